import type { Subscription } from "../../driver.ts";
import { ownerParts } from "../task-view.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { writeServerScript } from "./lua/servers.ts";
import { encodeServer, encodeWorker } from "./records.ts";
import { script } from "./script.ts";
import type { RedisDelivery } from "./task-form.ts";
import type { Times } from "./time.ts";

/**
 * Shows one receiver as a server, and what it works on as its workers, to asynq's tools and to `servers()` (asynq:
 * heartbeat.go, and rdb.go, WriteServerState). Written every five seconds, and within one when the number of tasks has
 * changed; it ends ten seconds after the last time. Its queues are noted as such with it.
 *
 * What waits in the buffer of this process is not told from what a handler has: the oldest tasks, as many as handlers
 * may run, are shown as workers.
 */
export function createServerRecord(options: {
  readonly link: Link;
  readonly times: Times;
  readonly owner: string;
  readonly number: number;
  readonly subscription: Subscription;
  readonly held: ReadonlySet<RedisDelivery>;
}) {
  const { link, times, owner, subscription, held } = options;
  const { host, pid } = ownerParts(owner);
  const server = `${owner.slice(owner.lastIndexOf(":") + 1)}-${options.number}-${subscription.consumer}`;
  const id = `${host}:${pid}:${server}`;
  const startedAt = times.ms();
  const queues = Object.fromEntries(subscription.queues.map(({ queue, weight }) => [queue, weight]));
  let writtenAt = 0;
  let written = -1;

  async function write(): Promise<void> {
    const now = times.ms();
    writtenAt = now;
    written = held.size;
    const record = {
      id: server,
      host,
      pid,
      startedAt,
      status: "active",
      concurrency: subscription.concurrency,
      queues,
      strict: subscription.strict,
      active: held.size,
    };
    const args: Argument[] = [lifeSeconds, encodeServer(record)];
    for (const delivery of [...held].slice(0, subscription.concurrency)) {
      const { timeout, deadline, claimedAt } = delivery;
      const ends = Math.min(timeout > 0 ? claimedAt + timeout : Infinity, deadline > 0 ? deadline : Infinity);
      const shown = { ...delivery, host, pid, server, startedAt: claimedAt };
      args.push(delivery.id, encodeWorker({ ...shown, deadline: Number.isFinite(ends) ? ends : farAhead }));
    }
    const until = Math.ceil(now / 1000) + lifeSeconds;
    await Promise.all([
      link.command("ZADD", keys.servers, until, keys.server(id)),
      link.command("ZADD", keys.workers, until, keys.worker(id)),
      // Redis may have been emptied, or a tool has removed one.
      link.command("SADD", keys.queues, ...Object.keys(queues)),
      link.run(writeCall, [keys.server(id), keys.worker(id)], args),
    ]);
  }

  return {
    /** Best effort: never rejects. */
    async beat(): Promise<void> {
      if (written === held.size && times.ms() - writtenAt < beatMs) return;
      // What it shows is for people; whether Redis is there is told elsewhere.
      await write().catch(() => {});
    },
    async clear(): Promise<void> {
      const removed = [
        link.command("ZREM", keys.servers, keys.server(id)),
        link.command("ZREM", keys.workers, keys.worker(id)),
        link.command("DEL", keys.server(id), keys.worker(id)),
      ];
      // It ends by itself within ten seconds.
      await Promise.all(removed).catch(() => {});
    },
  };
}

const writeCall = script(writeServerScript);
const lifeSeconds = 10;
const beatMs = 5_000;
/** The year 9999: asynq's tools show a deadline for each worker. */
const farAhead = 253_402_300_799_000;
