import { nearest } from "../core/nearest.ts";
import type { ServiceHandle } from "../service/contract.ts";

/** `ctx.service(name)`: calls within the process. `names` is asked each time: a reload may change them. */
export function createFinder(
  names: () => readonly string[],
  call: (name: string, request: Request) => Promise<Response>,
): (name: string) => ServiceHandle {
  return (name) => {
    const known = names();
    if (!known.includes(name)) throw new RangeError(unknown(name, known));
    return { fetch: (input, init) => call(name, requestTo(name, input, init)) };
  };
}

function requestTo(name: string, input: Request | string, init?: RequestInit): Request {
  return typeof input === "string"
    ? new Request(new URL(input, `http://${name}/`), init)
    : new Request(input, init);
}

function unknown(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const help = near ? `did you mean "${near}"?` : `known services: ${names.join(", ")}`;
  return `ctx.service("${name}"): no service has that name; ${help}`;
}
