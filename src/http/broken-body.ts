import { scopes } from "../service/scope.ts";

/** Errors are told where they are seen first: a body that is passed on fails twice. */
const told = new WeakSet<object>();

/** Logs that the body of a response has failed after its headers had gone: the client sees a connection that breaks. */
export function tellBrokenBody(error: unknown): void {
  const scope = scopes.getStore();
  if (!scope) return;
  if (typeof error === "object" && error !== null) {
    if (told.has(error)) return;
    told.add(error);
  }
  scope.log.error("response broke off: its body failed", { error });
}
