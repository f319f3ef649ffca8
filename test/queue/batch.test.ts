import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/service/message.ts";
import { Site } from "./setup.ts";

const ids = (messages: readonly Message[]) => messages.map(({ id }) => id);

describe("consumeBatch", () => {
  test("gets up to `size` messages, and fewer when no more came within `wait`", async () => {
    const site = new Site({ batch: { size: 3, wait: 200 }, concurrency: 1 });
    const batches: string[][] = [];
    await site.open({ consumeBatch: (messages) => void batches.push(ids(messages)) });
    site.enqueue(4);
    await site.rest();
    expect(batches).toEqual([["t0", "t1", "t2"]]);
    await site.pass(199);
    expect(batches).toHaveLength(1);
    await site.pass(1);
    expect(batches[1]).toEqual(["t3"]);
    expect(site.states()).toEqual(["done", "done", "done", "done"]);
  });

  test("settles each message by its own word, and the others as the call ends", async () => {
    const site = new Site({ batch: { size: 4, wait: 10 } });
    await site.open({
      consumeBatch([first, second, third]) {
        first?.ack();
        second?.dead("no");
        third?.retry({ delay: 5_000, counts: false });
        throw new Error("the rest failed");
      },
    });
    site.enqueue(4);
    await site.rest();
    expect(site.states()).toEqual(["done", "dead", "retry", "retry"]);
    expect(site.broker.tasks.map(({ retried }) => retried)).toEqual([0, 0, 0, 1]);
  });

  test("never has one key in two batches at once, and keeps its order", async () => {
    const site = new Site({ batch: { size: 2, wait: 0 }, concurrency: 3 });
    const batches: string[][] = [];
    const ends: (() => void)[] = [];
    await site.open({
      consumeBatch(messages) {
        batches.push(ids(messages));
        return new Promise<void>((resolve) => ends.push(resolve));
      },
    });
    site.enqueue(3, "a");
    site.enqueue(1, "b");
    await site.rest();
    expect(batches).toEqual([["t0", "t1"], ["t3"]]);
    ends[0]?.();
    await site.rest();
    expect(batches[2]).toEqual(["t2"]);
  });

  test("is called once for all messages that came through the middleware, and with none that did not", async () => {
    const site = new Site({ batch: { size: 3, wait: 0 } });
    const batches: string[][] = [];
    const ended: string[] = [];
    await site.open({
      middleware: [
        async (message, next) => {
          if (message.id === "t1") return "seen before";
          await Promise.resolve();
          const result = await next();
          ended.push(message.id);
          if (message.id === "t2") throw new Error("afterwards");
          return result;
        },
      ],
      consumeBatch: (messages) => void batches.push(ids(messages)),
    });
    site.enqueue(3);
    await site.rest();
    expect(batches).toEqual([["t0", "t2"]]);
    expect(ended).toEqual(["t0", "t2"]);
    expect(site.states()).toEqual(["done", "done", "retry"]);
  });
});
