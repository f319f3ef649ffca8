import type { Logger } from "../core/log.ts";
import type { ConsumePlan } from "../core/plan.ts";
import type { Outcome } from "./batch-call.ts";
import { chainHeader, nextOfChain } from "./chain.ts";
import type { Decision, Item } from "./item.ts";
import { encodeResult } from "./payload.ts";
import { afterFailure, isPermanentFailure, textOf } from "./retry.ts";
import type { Said } from "./task-message.ts";

export interface Facts {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: () => number;
  readonly retry: ConsumePlan["retry"];
  readonly log: Logger;
}

/** What becomes of a message, and what was thrown, for the log. */
export interface Verdict {
  readonly decision: Decision;
  readonly error?: unknown;
}

const done: Verdict = { decision: { tag: "ack" } };

/** What a handler said itself counts more than how it ended. */
export function saidDecision(item: Item, said: Said, facts: Facts): Verdict {
  switch (said.tag) {
    case "ack":
      return ack(item, said.result, facts);
    case "dead":
      return { decision: { tag: "dead", error: textOf(said.reason) }, error: said.reason };
    case "retry": {
      const { delay, counts, error } = said;
      const text = error === undefined ? "the handler asked for another attempt" : textOf(error);
      const failure = { error: text, counts, ...(delay === undefined ? {} : { delay }) };
      return { decision: failed(item, failure, facts), error };
    }
  }
}

export function outcomeDecision(item: Item, outcome: Outcome, facts: Facts): Verdict {
  if (outcome.tag === "returned") return ack(item, outcome.value, facts);
  const { error } = outcome;
  const failure = { error: textOf(error), isPermanent: isPermanentFailure(error) };
  return { decision: failed(item, failure, facts), error };
}

function failed(
  item: Item,
  failure: Parameters<typeof afterFailure>[2],
  { retry, now, random }: Facts,
): Decision {
  return afterFailure(item.delivery, retry, failure, { now, random: random() });
}

/** The work is done: a result that cannot be kept does not undo that. Only a chain that cannot go on is a failure. */
function ack({ delivery }: Item, value: unknown, { log, now }: Facts): Verdict {
  const isChained = delivery.headers[chainHeader] !== undefined;
  if (value === undefined && !isChained) return done;
  if (delivery.retention === 0 && !isChained) return done;
  let result: ReturnType<typeof encodeResult>;
  try {
    result = encodeResult(value);
  } catch (error) {
    log.warn("The result of a task is not kept", {
      task: delivery.id,
      type: delivery.type,
      error: textOf(error),
    });
  }
  try {
    const next = isChained ? nextOfChain(delivery, result, now) : undefined;
    return {
      decision: { tag: "ack", ...(result === undefined ? {} : { result }), ...(next ? { next } : {}) },
    };
  } catch (error) {
    return { decision: { tag: "dead", error: textOf(error) }, error };
  }
}
