import { SupervisorError } from "../core/errors.ts";
import type { Context, Service } from "./contract.ts";

/** Returns `service` as it is; editors then know the hooks and the type of `ctx.config`. */
export function defineService<Config = unknown>(service: Service<Config>): Service<Config> {
  return service;
}

/**
 * Makes a service of one function that works until it is done: go-zero's `WithStart`. It counts as ready as
 * soon as it was called, and should end when `ctx.signal` aborts. A service that needs to say when it is
 * ready has a `start` of its own.
 */
export function withStart(start: (ctx: Context) => void | Promise<void>): Service {
  if (typeof start !== "function") throw notGiven("withStart", "a function (ctx) => …", start);
  return { run: async (ctx) => start(ctx) };
}

/** The same for an object whose `start` blocks until it is done: go-zero's `WithStarter`. */
export function withStarter(starter: { start(ctx: Context): void | Promise<void> }): Service {
  if (typeof starter?.start !== "function") throw notGiven("withStarter", "an object with start()", starter);
  return withStart((ctx) => starter.start(ctx));
}

function notGiven(name: string, wanted: string, given: unknown): SupervisorError {
  const found = given === null ? "null" : typeof given;
  return new SupervisorError(
    "NOT_A_SERVICE",
    `${name}() wants ${wanted}, and got ${found}`,
    `Pass it ${wanted}.`,
  );
}
