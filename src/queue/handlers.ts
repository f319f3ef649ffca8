import type { ConsumePlan } from "../core/plan.ts";
import type { Context, Service } from "../service/contract.ts";
import type { Message, Middleware } from "../service/message.ts";

export type Handle = (message: Message, ctx: Context) => unknown;

/** Types come from outside: what is remembered of them has an end. */
const mostRemembered = 1_000;

/** What the service lacks to consume as its plan says; undefined: nothing. */
export function lacksHandler(service: Service, plan: ConsumePlan): string | undefined {
  if (plan.batch && !service.consumeBatch) return "has consume.batch: but no consumeBatch()";
  if (!plan.batch && !service.consume && !service.tasks) return "has consume: but no consume() and no tasks";
  if (plan.groups && !service.aggregate) return "has consume.group: but no aggregate()";
  return undefined;
}

/**
 * Finds the handler of a type: an entry of `tasks` with that very name, then the longest one that ends in `*` or `:` and
 * begins it (as in asynq's servemux.go, where each pattern is a prefix), then `consume`. Undefined: nobody takes it.
 */
export function handlerFinder(service: Service): (type: string) => Handle | undefined {
  const { middleware } = service;
  // Entries of its own only: a task of the type "constructor" must not find what every object has.
  const tasks = new Map<string, Handle>(
    Object.keys(service.tasks ?? {}).map((name) => [
      name,
      withMiddleware((message, ctx) => service.tasks?.[name]?.(message, ctx), middleware),
    ]),
  );
  const prefixes = [...tasks]
    .filter(([name]) => name.endsWith("*") || name.endsWith(":"))
    .map(([name, handle]) => ({ prefix: name.replace(/\*$/, ""), handle }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const rest =
    service.consume && withMiddleware((message, ctx) => service.consume?.(message, ctx), middleware);
  const remembered = new Map<string, Handle | undefined>();

  return (type) => {
    const known = remembered.get(type);
    if (known) return known;
    const handle = tasks.get(type) ?? prefixes.find(({ prefix }) => type.startsWith(prefix))?.handle ?? rest;
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(type, handle);
    return handle;
  };
}

/** Puts `middleware` around a handler, the first one outermost. `next` may be called once. */
export function withMiddleware(handle: Handle, middleware: readonly Middleware[] | undefined): Handle {
  if (!middleware || middleware.length === 0) return handle;
  const call = (index: number, message: Message, ctx: Context): unknown => {
    const layer = middleware[index];
    if (!layer) return handle(message, ctx);
    let isCalled = false;
    return layer(message, async () => {
      if (isCalled) throw new Error("A middleware called next() twice: the handler runs once per attempt");
      isCalled = true;
      return call(index + 1, message, ctx);
    });
  };
  return (message, ctx) => call(0, message, ctx);
}
