import type { Context, Service } from "supervisor";

interface Digest {
  readonly customer: string;
  readonly events: readonly string[];
}

/** `POST /?customer=ada&event=paid` tells an event; `GET /` shows the digests that were sent. */
export default function digest(ctx: Context): Service {
  const sent: Digest[] = [];
  return {
    async fetch(request) {
      if (request.method !== "POST") return Response.json(sent);
      const { searchParams } = new URL(request.url);
      const customer = searchParams.get("customer") ?? "ada";
      await ctx
        .queue()
        .enqueue("event", { event: searchParams.get("event") ?? "something" }, { group: customer });
      return new Response(null, { status: 202 });
    },

    // One task of all that wait in the group; they go in the same moment in which it comes.
    aggregate: (customer, messages) => ({
      type: "digest",
      payload: { customer, events: messages.map(({ data }) => (data as { event: string }).event) },
    }),

    tasks: {
      digest(message) {
        sent.push(message.data as Digest);
      },
    },
  };
}
