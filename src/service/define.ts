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
  return { run: async (ctx) => start(ctx) };
}

/** The same for an object whose `start` blocks until it is done: go-zero's `WithStarter`. */
export function withStarter(starter: { start(ctx: Context): void | Promise<void> }): Service {
  return withStart((ctx) => starter.start(ctx));
}
