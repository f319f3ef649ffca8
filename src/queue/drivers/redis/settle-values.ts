import type { Delivery, Settlement } from "../../driver.ts";
import { showable } from "../task-view.ts";
import type { Argument } from "./link.ts";
import type { RedisDelivery } from "./task-form.ts";
import { encodeTaskMessage } from "./task-message.ts";

/* What lua/settle.ts takes for each settlement. */

/** Acks one after the other of one claim: where in the arguments their number is. */
export interface AckRun {
  readonly claim: string;
  readonly leaseEnd: number;
  readonly at: number;
}

/** Whether nothing of it is kept, unlocked or enqueued: those of one claim can be told as one. */
export function isPlainAck(settlement: Settlement): boolean {
  if (settlement.tag !== "ack" || settlement.next || settlement.heir) return false;
  const { retention, message } = settlement.delivery as RedisDelivery;
  return retention <= 0 && message.uniqueKey === "";
}

/** Adds it to `run` if it is of the same claim, else begins another. */
export function addAck(
  args: Argument[],
  { id, claim, leaseEnd }: RedisDelivery,
  run: AckRun | undefined,
): AckRun {
  if (run?.claim === claim && run.leaseEnd === leaseEnd) {
    args[run.at] = (args[run.at] as number) + 1;
    args.push(id);
    return run;
  }
  args.push("A", claim, leaseEnd, 1, id);
  return { claim, leaseEnd, at: args.length - 2 };
}

/** Any other settlement. `ms`: now. */
export function addOperation(args: Argument[], settlement: Settlement, ms: number): void {
  const delivery = settlement.delivery as RedisDelivery;
  const { id, claim, leaseEnd, message } = delivery;
  const { heir, unblocks } = settlement;
  if (heir && unblocks !== undefined) addBlocker(args, heir, unblocks, id);
  const now = Math.floor(ms / 1000);
  switch (settlement.tag) {
    case "ack": {
      if (delivery.retention <= 0) {
        args.push("a", id, claim, leaseEnd, message.uniqueKey);
        return;
      }
      const kept = encodeTaskMessage({ ...message, completedAt: now });
      const until = Math.ceil((ms + delivery.retention) / 1000);
      args.push("c", id, claim, leaseEnd, message.uniqueKey, kept, until, settlement.result ?? "");
      return;
    }
    case "retry": {
      // asynq (rdb.go, Retry): `retried` is the number of failures; an error that counts for nothing is shown, too.
      const retried = message.retried + (settlement.counts ? 1 : 0);
      const kept = encodeTaskMessage({
        ...message,
        retried,
        errorMsg: showable(settlement.error),
        lastFailedAt: now,
      });
      const at = Math.max(Math.ceil(settlement.at), 1);
      args.push(
        "r",
        id,
        claim,
        leaseEnd,
        kept,
        at,
        settlement.counts ? 1 : 0,
        settlement.blocks ?? "",
        delivery.enqueuedAt,
      );
      return;
    }
    case "dead":
      args.push("d", id, claim, leaseEnd, deadMessage(settlement, ms));
      return;
    case "release":
      args.push("l", id, claim, leaseEnd);
      return;
    case "hold":
      if (settlement.behind) addBlocker(args, settlement.behind, settlement.key, "");
      args.push("h", id, claim, leaseEnd, settlement.key);
      return;
  }
}

/** What is kept of an archived task. */
export function deadMessage({ delivery, error }: Settlement & { tag: "dead" }, ms: number): Uint8Array {
  const { message } = delivery as RedisDelivery;
  return encodeTaskMessage({ ...message, errorMsg: showable(error), lastFailedAt: Math.floor(ms / 1000) });
}

/** `from`: the id of the one that blocks the key until now; "": nothing may. */
function addBlocker(args: Argument[], delivery: Delivery, key: string, from: string): void {
  const { id, claim, leaseEnd } = delivery as RedisDelivery;
  args.push("b", id, claim, leaseEnd, key, from);
}
