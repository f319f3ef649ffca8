import { PermanentError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { ConsumePlan } from "../core/plan.ts";
import type { Outcome } from "./batch-call.ts";
import { chainHeader, nextOfChain } from "./chain.ts";
import type { Delivery } from "./driver.ts";
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

/**
 * The work is done: a result that cannot be kept does not undo that. One that the next step of a chain would need does:
 * a step that begins without it works on nothing, and nobody learns of it.
 */
function ack({ delivery }: Item, value: unknown, { log, now }: Facts): Verdict {
  if (delivery.headers[chainHeader] !== undefined) return handOn(delivery, value, now);
  if (value === undefined || delivery.retention === 0) return done;
  try {
    const result = encodeResult(value);
    return result === undefined ? done : { decision: { tag: "ack", result } };
  } catch (error) {
    const { id: task, type } = delivery;
    log.warn("The result of a task is not kept", { task, type, error: textOf(error) });
    return done;
  }
}

function handOn(delivery: Delivery, value: unknown, now: number): Verdict {
  try {
    const result = resultFor(value);
    const next = nextOfChain(delivery, result, now);
    return {
      decision: { tag: "ack", ...(result === undefined ? {} : { result }), ...(next ? { next } : {}) },
    };
  } catch (error) {
    return { decision: { tag: "dead", error: textOf(error) }, error };
  }
}

function resultFor(value: unknown) {
  try {
    return encodeResult(value);
  } catch (cause) {
    throw new PermanentError(`The next step of the chain cannot have this result: ${textOf(cause)}`, {
      cause,
    });
  }
}
