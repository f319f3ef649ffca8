/*
 * BullMQ: a worker that does nothing, or a client that enqueues.
 *
 *     bun bullmq.mjs consume PORT CONCURRENCY            until SIGTERM
 *     bun bullmq.mjs enqueue PORT COUNT IN_FLIGHT        prints the milliseconds it took
 *     bun bullmq.mjs bulk PORT COUNT SIZE                the same, with addBulk
 */
import { Queue, Worker } from "bullmq";

const [verb, port, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const payload = { n: 1, at: 1.001, text: "x".repeat(170) };
// Gone when done, as with everybody else.
const defaultJobOptions = { removeOnComplete: true };

if (verb === "consume") {
  const worker = new Worker("bench", async () => {}, { connection, concurrency: numbers[0] });
  process.once("SIGTERM", async () => {
    await worker.close();
    process.exit(0);
  });
} else {
  const queue = new Queue("bench", { connection, defaultJobOptions });
  const [count, size] = numbers;
  const enqueue = verb === "bulk" ? inBulk : singly;
  await enqueue(queue, count / 10, size);
  const began = performance.now();
  await enqueue(queue, count, size);
  console.log(performance.now() - began);
  await queue.close();
  process.exit(0);
}

async function singly(queue, count, inFlight) {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await queue.add("bench:message", payload);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

async function inBulk(queue, count, size) {
  const jobs = Array.from({ length: size }, () => ({ name: "bench:message", data: payload }));
  for (let done = 0; done < count; done += size) await queue.addBulk(jobs);
}
