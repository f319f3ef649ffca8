import type { Context, Service } from "supervisor";

/** Answers at once, and hands what takes long to those who have threads for it. */
export default function api(ctx: Context): Service {
  return {
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/primes") return ctx.service("primes").fetch(`/${search}`);
      return new Response("at once\n");
    },
  };
}
