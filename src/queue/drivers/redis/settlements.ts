import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { NewTask, Settlement, SettleResult } from "../../driver.ts";
import { deadInstead } from "../taken-next.ts";
import { dayOf } from "../task-view.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { callScript, enqueueScript } from "./lua/enqueue.ts";
import { settleScript } from "./lua/settle.ts";
import { pack } from "./pack.ts";
import { isPassing } from "./redis-error.ts";
import { script } from "./script.ts";
import type { AckRun } from "./settle-values.ts";
import { addAck, addOperation, deadMessage, isPlainAck } from "./settle-values.ts";
import type { RedisDelivery } from "./task-form.ts";
import { taskValues } from "./task-form.ts";
import { decodeTaskMessage } from "./task-message.ts";
import type { Times } from "./time.ts";

export interface Settling {
  readonly link: Link;
  readonly times: Times;
  /** Told when a retry will be due. */
  readonly onDelayed: (queue: string, at: number) => void;
  /** A name for a call that no other has. */
  readonly newCall: () => string;
}

/**
 * Settles in one script call per queue, up to 512 at a time; the calls of one queue run in their order. Redis keeps what
 * a call has answered: when the reply is lost, the same settlements can be made again.
 *
 * @throws SupervisorError BROKER_UNREACHABLE when nothing is known of some of them
 */
export async function settleAll(
  settling: Settling,
  settlements: readonly Settlement[],
): Promise<readonly SettleResult[]> {
  const { link, onDelayed, newCall } = settling;
  const results: SettleResult[] = new Array(settlements.length);
  const isAgain = settlements.some(({ delivery }) => (delivery as RedisDelivery).asked !== undefined);
  const answered = isAgain ? await answersBefore(link, settlements) : undefined;
  const note = (index: number, letter: Letter) => {
    const settlement = settlements[index] as Settlement;
    const result = meanings[letter];
    if (result === "settled" && settlement.tag === "retry")
      onDelayed(settlement.delivery.queue, settlement.at);
    results[index] = result;
  };
  const parts: Part[] = [];
  const open = new Map<string, Part>();
  for (let index = 0; index < settlements.length; index++) {
    const { delivery } = settlements[index] as Settlement;
    const letter = answered?.[index];
    if (letter !== undefined) {
      note(index, letter);
      continue;
    }
    let part = open.get(delivery.queue);
    if (!part || part.indices.length === mostAtOnce) {
      part = { queue: delivery.queue, call: newCall(), indices: [] };
      parts.push(part);
      open.set(delivery.queue, part);
    }
    part.indices.push(index);
  }
  // Under way at once: Redis is busy with one while the next is written. They keep their order.
  const calls = parts.map(async (part) => {
    const some = part.indices.map((index) => settlements[index] as Settlement);
    const answer = await settleSome(settling, part, some);
    for (let place = 0; place < some.length; place++)
      note(part.indices[place] as number, answer[place] as Letter);
  });
  try {
    await Promise.all(calls);
  } catch (error) {
    if (isPassing(error)) remember(parts, settlements);
    throw error;
  }
  if (isAgain) for (const { delivery } of settlements) (delivery as RedisDelivery).asked = undefined;
  return results;
}

interface Part {
  readonly queue: string;
  readonly call: string;
  /** Of its settlements among all. */
  readonly indices: number[];
}

function remember(parts: readonly Part[], settlements: readonly Settlement[]): void {
  for (const { call, indices } of parts) {
    for (const [place, index] of indices.entries()) {
      (settlements[index]?.delivery as RedisDelivery).asked = { call, place };
    }
  }
}

/** What the calls whose replies were lost have answered to each of these, if they were made. */
async function answersBefore(
  link: Link,
  settlements: readonly Settlement[],
): Promise<(Letter | undefined)[]> {
  const kept = new Map<string, Promise<string>>();
  return Promise.all(
    settlements.map(async ({ delivery }) => {
      const { queue, asked } = delivery as RedisDelivery;
      if (!asked) return;
      let answer = kept.get(asked.call);
      if (answer === undefined) {
        answer = link
          .run(askCall, [keys.queue(queue)], [asked.call])
          .then((reply) => (reply ? String(reply) : ""));
        kept.set(asked.call, answer);
      }
      return (await answer)[asked.place] as Letter | undefined;
    }),
  );
}

async function settleSome(
  { link, times }: Settling,
  { queue, call }: Part,
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
    call,
  ];
  const operations: Argument[] = [];
  const announced: Promise<unknown>[] = [];
  let run: AckRun | undefined;
  for (const settlement of settlements) {
    if (isPlainAck(settlement)) {
      run = addAck(operations, settlement.delivery as RedisDelivery, run);
      continue;
    }
    run = undefined;
    const next = settlement.tag === "ack" ? settlement.next : undefined;
    if (!next) {
      addOperation(operations, settlement, ms);
      continue;
    }
    announced.push(link.command("SADD", keys.queues, next.queue));
    const instead = deadMessage(deadInstead(settlement, next), ms);
    const isElsewhere = link.isCluster && next.queue !== queue;
    if (!isElsewhere) operations.push("n", keys.task(next.queue, next.id), instead);
    else if (!(await isThereBefore(link, times, next))) operations.push("n", "", instead);
    addOperation(operations, settlement, ms);
    if (!isElsewhere) operations.push("x", keys.queue(next.queue), ...taskValues(next, ms));
  }
  args.push(pack(operations));
  const [answer] = await Promise.all([link.run(settleCall, [keys.queue(queue)], args), ...announced]);
  return String(answer);
}

/**
 * In a Cluster two queues are on two servers: the next task is there before this one is done, so a crash in between
 * makes it come again, with the same id, and never loses it. `source` names what it comes of: whoever enqueues it again
 * from there within two minutes gets the same answer, a letter as `enqueue` in lua/prelude.ts gives it.
 */
export async function enqueueBefore(
  link: Link,
  times: Times,
  next: NewTask,
  source: string,
): Promise<string> {
  const ms = times.ms();
  const args: Argument[] = [`next.${source}.${next.id}`, ms, times.micros(1), 8, pack(taskValues(next, ms))];
  return String(await link.run(enqueueCall, [keys.queue(next.queue)], args));
}

/**
 * Whether `next` is enqueued, now or by an earlier try: that one has the same headers, which name the run of its chain.
 * False: another task has its id.
 */
async function isThereBefore(link: Link, times: Times, next: NewTask): Promise<boolean> {
  const headers = { ...next.headers };
  const source = createHash("sha1").update(JSON.stringify(headers)).digest("hex");
  if ((await enqueueBefore(link, times, next, source)) !== "c") return true;
  const found = (await link.command("HGET", keys.task(next.queue, next.id), "msg")) as Buffer | null;
  if (!found) return false;
  return isDeepStrictEqual({ ...decodeTaskMessage(found, next).headers }, headers);
}

const settleCall = script(settleScript);
const enqueueCall = script(enqueueScript);
const askCall = script(callScript);

type Letter = keyof typeof meanings;

const meanings = { s: "settled", l: "lost", r: "released", d: "archived" } as const;
const mostAtOnce = 512;
/** asynq's rdb.go: statsTTL, archivedExpirationInDays, maxArchiveSize. */
const keptDays = 90;
const mostArchived = 10_000;
