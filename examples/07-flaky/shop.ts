import type { Context, Service } from "supervisor";

/** Works from the first moment, and tells how the others do: one that is not ready answers 503. */
export default function shop(ctx: Context): Service {
  const status = async (name: string) => {
    const response = await ctx.service(name).fetch("/");
    return response.ok ? "up" : `down, try again in ${response.headers.get("retry-after")} s`;
  };
  return {
    fetch: async () =>
      Response.json({ payments: await status("payments"), newsletter: await status("newsletter") }),
  };
}
