/**
 * How many tasks a second go into the embedded broker and out of it, with full synchronisation, 200 bytes each:
 * `bun bench/queue-sqlite.ts [tasks that wait already]`, and the same with `deno run -A`. One process, a temporary file
 * on the disk of the temporary folder. "gap" is the longest time between two turns of the event loop.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../src/core/clock.ts";
import type { Delivery, NewTask } from "../src/queue/driver.ts";
import { openSqlite } from "../src/queue/drivers/sqlite.ts";
import { quantileOf } from "./statistics.ts";

const backlog = Number(process.argv[2] ?? 0);
const folder = mkdtempSync(join(tmpdir(), "supervisor-bench-"));
const file = join(folder, "queue.db");
const payload = JSON.stringify({ order_id: 1, text: "x".repeat(170) });
const never = new AbortController().signal;
const driver = openSqlite({
  name: "bench",
  url: `sqlite:${file}`,
  clock: systemClock,
  random: Math.random,
  log: { debug() {}, info() {}, warn: console.error, error: console.error, fatal: console.error },
  owner: `${hostname()}:${process.pid}:bench`,
  onConnection() {},
});
let made = 0;
let gap = 0;
let isWatching = true;

await driver.connect();
const receiver = driver.subscribe({
  consumer: "bench",
  queues: [{ queue: "q", weight: 1 }],
  strict: false,
  lease: 60_000,
  concurrency: 10,
  onCancel() {},
});
const watching = watchGap();
try {
  if (backlog > 0) await rate(`a backlog of ${backlog}, 1,000 at once`, backlog, () => enqueueBulk(backlog));
  await rate("enqueue one by one, 10 in flight", 50_000, () => enqueueSingles(50_000, 10));
  await rate("enqueue one by one, 500 in flight", 100_000, () => enqueueSingles(100_000, 500));
  await rate("enqueue 1,000 at once", 200_000, () => enqueueBulk(200_000));
  for (const size of [10, 100, 500])
    await rate(`claim and ack, ${size} at once`, 100_000, () => consume(100_000, size));
  isWatching = false;
  await watching;
  if (backlog === 0) await latency();
  const [database, log] = [file, `${file}-wal`].map((path) => Math.round(statSync(path).size / 1e6));
  const memory = Math.round(process.memoryUsage().rss / 1e6);
  console.log(`${memory} MB of memory, ${database} MB of database, ${log} MB of write-ahead log`);
} finally {
  isWatching = false;
  await driver.close();
  rmSync(folder, { recursive: true });
}

function task(): NewTask {
  const id = `${Date.now().toString(36)}-${(made++).toString(36).padStart(7, "0")}`;
  return {
    id,
    queue: "q",
    type: "order:close",
    payload,
    maxRetry: 25,
    timeout: 0,
    deadline: 0,
    retention: 0,
  };
}

async function enqueueSingles(many: number, inFlight: number): Promise<void> {
  let left = many;
  const enqueue = async () => {
    while (left-- > 0) await driver.enqueue([task()]);
  };
  await Promise.all(Array.from({ length: inFlight }, enqueue));
}

async function enqueueBulk(many: number): Promise<void> {
  for (let done = 0; done < many; done += 1_000) await driver.enqueue(Array.from({ length: 1_000 }, task));
}

/** As the engine does: what was received is settled while the next are claimed. */
async function consume(many: number, size: number): Promise<void> {
  let settling: Promise<unknown> = Promise.resolve();
  for (let done = 0; done < many; ) {
    const taken = await receiver.receive(size, never);
    done += taken.length;
    await settling;
    settling = ack(taken);
  }
  await settling;
}

function ack(deliveries: readonly Delivery[]): Promise<unknown> {
  return receiver.settle(deliveries.map((delivery) => ({ tag: "ack", delivery })));
}

/** From the call of enqueue to the delivery, when nothing else happens. */
async function latency(): Promise<void> {
  for (;;) {
    const rest = await receiver.receive(1_000, AbortSignal.timeout(100));
    if (rest.length === 0) break;
    await ack(rest);
  }
  const times: number[] = [];
  for (let each = 0; each < 2_000; each++) {
    const receiving = receiver.receive(10, never);
    await wait(1);
    const began = performance.now();
    const enqueuing = driver.enqueue([task()]);
    const taken = await receiving;
    times.push(performance.now() - began);
    await enqueuing;
    await ack(taken);
  }
  const [p50, p99] = [0.5, 0.99].map((share) => quantileOf(times, share).toFixed(2));
  console.log(`from enqueue to receive, p50 ${p50} ms, p99 ${p99} ms`);
}

async function rate(what: string, many: number, work: () => Promise<void>): Promise<void> {
  gap = 0;
  const began = performance.now();
  await work();
  const perSecond = Math.round((many / (performance.now() - began)) * 1_000);
  console.log(`${what}: ${perSecond.toLocaleString("en")} a second, gap ${gap.toFixed(1)} ms`);
}

async function watchGap(): Promise<void> {
  for (let last = performance.now(); isWatching; ) {
    await turn();
    const now = performance.now();
    gap = Math.max(gap, now - last);
    last = now;
  }
}
