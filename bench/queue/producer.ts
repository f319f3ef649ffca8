/*
 * The service that enqueues. What it is asked for by HTTP says what: it answers with the milliseconds it took.
 *
 *     GET /all?count=&inFlight=       single tasks, so many calls at the same time
 *     GET /all?count=&bulk=&callers=  lists of so many tasks, so many calls (1) at the same time
 *     GET /delayed?count=&at=&within= tasks that become due one after the other, `within` milliseconds from `at` on
 *     GET /steadily?count=&every=     one task each so many milliseconds
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../src/service/contract.ts";
import type { TaskRequest } from "../../src/service/message.ts";

/** With the number and the time this makes 200 bytes of JSON. */
const text = "x".repeat(157);
const type = "bench:message";

export default (ctx: Context) => {
  const queue = ctx.queue();

  const ways: Record<string, (asked: (name: string) => number) => Promise<unknown>> = {
    "/all": (asked) =>
      asked("bulk")
        ? inLists(asked("count"), asked("bulk"), asked("callers"))
        : singly(asked("count"), asked("inFlight")),
    "/delayed": (asked) =>
      inBulk(asked("count"), 500, (index) => {
        const at = asked("at") + (asked("within") * index) / asked("count");
        return { ...task(index), at, payload: payloadOf(index, at) };
      }),
    "/steadily": (asked) => steadily(asked("count"), asked("every")),
  };

  async function singly(count: number, inFlight: number): Promise<void> {
    let left = count;
    const caller = async () => {
      while (left-- > 0) await queue.enqueue(type, payloadOf(left, now()));
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
  }

  async function inLists(count: number, size: number, callers = 1): Promise<void> {
    const each = count / (callers || 1);
    await Promise.all(Array.from({ length: callers || 1 }, () => inBulk(each, size, task)));
  }

  async function inBulk(count: number, size: number, taskOf: (index: number) => TaskRequest): Promise<void> {
    for (let from = 0; from < count; from += size) {
      await queue.enqueueAll(
        Array.from({ length: Math.min(size, count - from) }, (_, n) => taskOf(from + n)),
      );
    }
  }

  async function steadily(count: number, every: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      void queue.enqueue(type, payloadOf(index, now()));
      await sleep(every);
    }
  }

  return {
    async fetch(request: Request): Promise<Response> {
      const { pathname, searchParams } = new URL(request.url);
      const began = performance.now();
      await ways[pathname]?.((name) => Number(searchParams.get(name)));
      return Response.json({ tookMs: performance.now() - began });
    },
  };
};

function task(index: number): TaskRequest {
  return { type, payload: payloadOf(index, now()) };
}

function payloadOf(index: number, at: number): unknown {
  return { n: index, at: Math.round(at * 1000) / 1000, text };
}

/** Milliseconds since 1970, with their fraction: other processes of this machine have the same. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
