import type { NewTask, Settlement, SettleResult } from "../../driver.ts";
import { dayOf } from "../task-view.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { enqueueScript } from "./lua/enqueue.ts";
import { settleScript } from "./lua/settle.ts";
import { pack } from "./pack.ts";
import { script } from "./script.ts";
import type { RedisDelivery } from "./task-form.ts";
import { taskValues } from "./task-form.ts";
import { encodeTaskMessage } from "./task-message.ts";
import type { Times } from "./time.ts";

/**
 * Settles in one script call per queue, up to 200 at a time; the calls of one queue run in their order. `onDelayed` is
 * told when a retry will be due.
 *
 * @throws SupervisorError BROKER_UNREACHABLE when nothing is known of any of them
 */
export async function settleAll(
  link: Link,
  times: Times,
  settlements: readonly Settlement[],
  onDelayed: (queue: string, at: number) => void,
): Promise<readonly SettleResult[]> {
  const results: SettleResult[] = new Array(settlements.length);
  const byQueue = new Map<string, number[]>();
  for (const [index, { delivery }] of settlements.entries()) {
    const indices = byQueue.get(delivery.queue);
    if (indices) indices.push(index);
    else byQueue.set(delivery.queue, [index]);
  }
  const calls: Promise<void>[] = [];
  for (const [queue, indices] of byQueue) {
    // Under way at once: Redis is busy with one while the next is written. They keep their order.
    for (let from = 0; from < indices.length; from += mostAtOnce) {
      const part = indices.slice(from, from + mostAtOnce);
      calls.push(settlePart(queue, part));
    }
  }
  await Promise.all(calls);
  return results;

  async function settlePart(queue: string, part: readonly number[]): Promise<void> {
    const some = part.map((index) => settlements[index] as Settlement);
    const answer = await settleSome(link, times, queue, some);
    for (const [place, index] of part.entries()) {
      const settlement = settlements[index] as Settlement;
      const result = meanings[answer[place] as keyof typeof meanings];
      if (result === "settled" && settlement.tag === "retry") onDelayed(queue, settlement.at);
      results[index] = result;
    }
  }
}

async function settleSome(
  link: Link,
  times: Times,
  queue: string,
  settlements: readonly Settlement[],
): Promise<string> {
  const ms = times.ms();
  const day = dayOf(ms);
  const args: Argument[] = [
    ms,
    times.micros(settlements.length),
    day,
    Math.floor(ms / 1000) + keptDays * 86_400,
    Math.floor(ms / 1000) - keptDays * 86_400,
    mostArchived,
  ];
  const announced: Promise<unknown>[] = [];
  let run: AckRun | undefined;
  for (const settlement of settlements) {
    if (isPlainAck(settlement)) {
      run = addAck(args, settlement.delivery as RedisDelivery, run);
      continue;
    }
    run = undefined;
    addOperation(args, settlement, ms);
    if (settlement.tag !== "ack" || !settlement.next) continue;
    const { next } = settlement;
    announced.push(link.command("SADD", keys.queues, next.queue));
    if (link.isCluster && next.queue !== queue) await enqueueBefore(link, times, next);
    else args.push("x", keys.queue(next.queue), ...taskValues(next, ms));
  }
  const [answer] = await Promise.all([link.run(settleCall, [keys.queue(queue)], args), ...announced]);
  return String(answer);
}

/**
 * In a Cluster two queues are on two servers: the next task is there before this one is done, so a crash in between
 * makes it come again, with the same id, and never loses it.
 */
export async function enqueueBefore(link: Link, times: Times, next: NewTask): Promise<void> {
  const ms = times.ms();
  const args: Argument[] = [`next.${next.id}`, ms, times.micros(1), 8, pack(taskValues(next, ms))];
  await link.run(enqueueCall, [keys.queue(next.queue)], args);
}

/** Acks one after the other of one claim: where in the arguments their number is. */
interface AckRun {
  readonly claim: string;
  readonly leaseEnd: number;
  readonly at: number;
}

function isPlainAck(settlement: Settlement): boolean {
  if (settlement.tag !== "ack" || settlement.next) return false;
  const { retention, message } = settlement.delivery as RedisDelivery;
  return retention <= 0 && message.uniqueKey === "";
}

function addAck(args: Argument[], { id, claim, leaseEnd }: RedisDelivery, run: AckRun | undefined): AckRun {
  if (run?.claim === claim && run.leaseEnd === leaseEnd) {
    args[run.at] = (args[run.at] as number) + 1;
    args.push(id);
    return run;
  }
  args.push("A", claim, leaseEnd, 1, id);
  return { claim, leaseEnd, at: args.length - 2 };
}

function addOperation(args: Argument[], settlement: Settlement, ms: number): void {
  const delivery = settlement.delivery as RedisDelivery;
  const { id, claim, leaseEnd, message } = delivery;
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
      const kept = encodeTaskMessage({ ...message, retried, errorMsg: settlement.error, lastFailedAt: now });
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
      args.push(
        "d",
        id,
        claim,
        leaseEnd,
        encodeTaskMessage({ ...message, errorMsg: settlement.error, lastFailedAt: now }),
      );
      return;
    case "release":
      args.push("l", id, claim, leaseEnd);
      return;
    case "hold":
      args.push("h", id, claim, leaseEnd, settlement.key);
      return;
  }
}

const settleCall = script(settleScript);
const enqueueCall = script(enqueueScript);
const meanings = { s: "settled", l: "lost", r: "released" } as const;
const mostAtOnce = 200;
/** asynq's rdb.go: statsTTL, archivedExpirationInDays, maxArchiveSize. */
const keptDays = 90;
const mostArchived = 10_000;
