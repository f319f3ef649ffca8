import type { Context, Service } from "supervisor";

/** What a step of a chain gets: its own payload, and what the step before has returned. */
interface Step<Previous = undefined> {
  readonly input: { readonly invoice: string };
  readonly previous: Previous;
}

/** `POST /invoices/7` begins with it, `GET /invoices/7` shows what came of it. */
export default function invoices(ctx: Context): Service {
  const queue = ctx.queue();
  return {
    async fetch(request) {
      const invoice = new URL(request.url).pathname.split("/")[2] ?? "";
      if (request.method !== "POST") {
        const last = await queue.find(`invoice-${invoice}:3`); // the third step of that chain
        return last ? Response.json(last.result ?? null) : new Response("not yet\n", { status: 404 });
      }
      const payload = { invoice };
      await queue.chain([
        { type: "invoice:render", payload, id: `invoice-${invoice}` },
        { type: "invoice:sign", payload },
        { type: "invoice:send", payload, retention: "1h" },
      ]);
      return Response.json({ begun: invoice }, { status: 202 });
    },

    // Each step is a task of its own: it is tried again alone, and a crash between two of them loses neither.
    tasks: {
      "invoice:render": ({ data }) => ({ pdf: `invoice ${(data as Step).input.invoice}` }),
      "invoice:sign": ({ data }) => ({ signed: `${(data as Step<{ pdf: string }>).previous.pdf}, signed` }),
      "invoice:send": ({ data }) => ({ sent: (data as Step<{ signed: string }>).previous.signed }),
    },
  };
}
