import type { Context, Service } from "supervisor";

const queues = ["low", "default", "critical"];

/** `POST /?each=20` puts so many mails into each queue, the low one first; `GET /` shows in which order they went. */
export default function mailer(ctx: Context): Service {
  const sent: string[] = [];
  return {
    async fetch(request) {
      if (request.method !== "POST") return Response.json(sent);
      const each = Number(new URL(request.url).searchParams.get("each") ?? 20);
      const mails = queues.flatMap((queue) =>
        Array.from({ length: each }, (_, n) => ({ type: "mail", payload: { n }, queue })),
      );
      await ctx.queue().enqueueAll(mails);
      return Response.json({ enqueued: mails.length }, { status: 202 });
    },

    consume(message) {
      sent.push(message.queue);
    },
  };
}
