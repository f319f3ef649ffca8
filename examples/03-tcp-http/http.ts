import { lookup } from "./registry.ts";

/** `/lookup?topic=NAME` tells who produces a topic. */
export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    const topic = searchParams.get("topic");
    if (pathname !== "/lookup" || topic === null)
      return new Response("Try /lookup?topic=NAME\n", { status: 404 });
    return Response.json({ topic, producers: lookup(topic) });
  },
};
