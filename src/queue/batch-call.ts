import type { Context, Service } from "../service/contract.ts";
import type { Message } from "../service/message.ts";
import { withMiddleware } from "./handlers.ts";

export type Outcome =
  | { readonly tag: "returned"; readonly value: unknown }
  | { readonly tag: "threw"; readonly error: unknown };

const done: Outcome = { tag: "returned", value: undefined };

/**
 * Calls `consumeBatch`; resolves with what came of each message, in their order. Middleware wraps each message by itself:
 * the batch is called when all of them have called `next`, or ended without, with those that did.
 */
export async function callBatch(
  service: Service,
  messages: readonly Message[],
  ctx: Context,
): Promise<readonly Outcome[]> {
  if (!service.middleware || service.middleware.length === 0) {
    const outcome = await outcomeOf(() => service.consumeBatch?.(messages, ctx));
    const shared = outcome.tag === "returned" ? done : outcome;
    return messages.map(() => shared);
  }
  const gate = createGate(messages, (arrived) => service.consumeBatch?.(arrived, ctx));
  const handle = withMiddleware(gate.arrive, service.middleware);
  return Promise.all(
    messages.map(async (message) => {
      const outcome = await outcomeOf(() => handle(message, ctx));
      gate.ended(message);
      return outcome.tag === "returned" ? done : outcome;
    }),
  );
}

async function outcomeOf(call: () => unknown): Promise<Outcome> {
  try {
    return { tag: "returned", value: await call() };
  } catch (error) {
    return { tag: "threw", error };
  }
}

/** Lets `work` begin when each of the messages has arrived or ended. */
function createGate(messages: readonly Message[], work: (arrived: readonly Message[]) => unknown) {
  const arrived = new Set<Message>();
  const result = Promise.withResolvers<unknown>();
  // Without anybody who arrived, nobody looks at it.
  result.promise.catch(() => {});
  let missing = messages.length;
  const pass = () => {
    missing--;
    if (missing > 0 || arrived.size === 0) return;
    result.resolve((async () => work(messages.filter((message) => arrived.has(message))))());
  };
  return {
    arrive(message: Message): Promise<unknown> {
      if (missing === 0) throw new Error("A middleware called next() after its message had ended");
      arrived.add(message);
      pass();
      return result.promise;
    },
    ended(message: Message): void {
      if (!arrived.has(message)) pass();
    },
  };
}
