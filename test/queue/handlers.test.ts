import { describe, expect, test } from "bun:test";
import type { ConsumePlan } from "../../src/core/plan.ts";
import { chainHeader } from "../../src/queue/chain.ts";
import { handlerFinder, lacksHandler } from "../../src/queue/handlers.ts";
import { encodeResult, mostResultBytes } from "../../src/queue/payload.ts";
import type { Context } from "../../src/service/contract.ts";
import type { Message } from "../../src/service/message.ts";
import { Desk, plan, Site } from "./setup.ts";

const nothing = {} as Message;
const ctx = {} as Context;
const laterStep = { type: "second", queue: "q", maxRetry: 3, timeout: 0, deadline: 0, retention: 0 };

describe("handlerFinder()", () => {
  const said: string[] = [];
  const says = (name: string) => () => void said.push(name);
  const find = handlerFinder({
    tasks: {
      "order:": says("order:"),
      "order:close": says("order:close"),
      "order:pay*": says("order:pay*"),
      "order:pay:card*": says("order:pay:card*"),
    },
    consume: says("consume"),
  });

  test("takes the same name first, then the longest beginning, then consume()", () => {
    for (const type of ["order:close", "order:closed", "order:pay:card:visa", "order:paid", "order:", "x"]) {
      find(type)?.(nothing, ctx);
    }
    expect(said).toEqual(["order:close", "order:", "order:pay:card*", "order:", "order:", "consume"]);
  });

  test("finds nothing that every object has", () => {
    expect(handlerFinder({ tasks: {} })("constructor")).toBeUndefined();
    expect(handlerFinder({ tasks: {} })("__proto__")).toBeUndefined();
  });

  test("calls handlers as members of their object", () => {
    const tasks = {
      own: "mine",
      greet(this: { own: string }) {
        return this.own;
      },
    };
    const found = handlerFinder({ tasks: tasks as never })("greet");
    expect(found?.(nothing, ctx)).toBe("mine");
  });
});

test("lacksHandler() says which member is missing", () => {
  const groups: ConsumePlan = { ...plan, groups: { grace: 1, maxDelay: 0, maxSize: 0 } };
  expect(lacksHandler({ fetch: () => new Response() }, plan)).toContain("no consume()");
  expect(lacksHandler({ tasks: {} }, plan)).toBeUndefined();
  expect(lacksHandler({ consume() {} }, { ...plan, batch: { size: 1, wait: 1 } })).toContain("consumeBatch");
  expect(lacksHandler({ consume() {} }, groups)).toContain("aggregate");
});

describe("middleware", () => {
  test("wraps the handler, the first one outermost, and may change what it returns", async () => {
    const site = new Site();
    const order: string[] = [];
    const results: unknown[] = [];
    await site.open({
      middleware: [
        async (message, next) => {
          order.push(`outer ${message.type}`);
          results.push(await next());
        },
        async (_message, next) => {
          order.push("inner");
          return `${await next()}!`;
        },
      ],
      consume: () => "done",
    });
    site.enqueue(1);
    await site.rest();
    expect(order).toEqual(["outer test", "inner"]);
    expect(results).toEqual(["done!"]);
    expect(site.states()).toEqual(["done"]);
  });

  test("that calls next() twice fails the attempt: the handler runs once", async () => {
    const site = new Site();
    let calls = 0;
    await site.open({
      middleware: [
        async (_message, next) => {
          await next();
          await next();
        },
      ],
      consume: () => void calls++,
    });
    site.enqueue(1);
    await site.rest();
    expect(calls).toBe(1);
    expect(site.states()).toEqual(["retry"]);
  });
});

describe("a result", () => {
  const acks = (site: Site) => site.model.settleCalls.flat();

  test("is kept as JSON where the task is kept, and nowhere else", async () => {
    const site = new Site();
    await site.open({ consume: () => ({ paid: true }) });
    site.enqueue(1, undefined, { retention: 1_000 });
    site.enqueue(1);
    await site.rest();
    expect(acks(site)).toMatchObject([{ tag: "ack", result: '{"paid":true}' }, { tag: "ack" }]);
    expect(acks(site)[1]).not.toHaveProperty("result");
  });

  test("that cannot be kept undoes nothing", async () => {
    const site = new Site();
    await site.open({ consume: () => "x".repeat(mostResultBytes) });
    site.enqueue(1, undefined, { retention: 1_000 });
    await site.rest();
    expect(site.states()).toEqual(["done"]);
    expect(site.records.map(({ level }) => level)).toEqual(["warn"]);
    expect(() => encodeResult(1n)).toThrow(TypeError);
  });

  test("that no step of a chain could be given is a permanent failure, kept task or not", async () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const results: [unknown, RegExp][] = [
      ["x".repeat(mostResultBytes), /it has 1048578 bytes, more than 1048576/],
      [cycle, /cyclic|circular/i],
      [1n, /BigInt/],
      [() => 1, /a function has no JSON/],
    ];
    const headers = { [chainHeader]: JSON.stringify({ id: "c", next: 2, steps: [laterStep] }) };
    for (const [result, why] of results) {
      for (const consume of [() => result, (message: Message) => message.ack(result)]) {
        const site = new Site();
        await site.open({ consume });
        site.enqueue(1, undefined, { headers, retention: 1_000 });
        await site.rest();
        expect(site.states()).toEqual(["dead"]);
        const [decision] = acks(site) as unknown as [{ error: string }];
        expect(decision.error).toMatch(/^The next step of the chain cannot have this result: /);
        expect(decision.error).toMatch(why);
      }
    }
  });

  test("goes to the next step of a chain in the same step as the ack", async () => {
    const site = new Site();
    const headers = { [chainHeader]: JSON.stringify({ id: "c", next: 2, steps: [laterStep] }) };
    await site.open({ consume: () => 42 });
    site.enqueue(1, undefined, { headers });
    await site.rest();
    expect(acks(site)).toMatchObject([{ tag: "ack", next: { id: "c:2", type: "second" } }]);
    expect(String((acks(site)[0] as { next?: { payload: unknown } }).next?.payload)).toContain(
      '"previous":42',
    );
  });

  test("of a step whose next one has the id of another task is archived: the log says so, and the key goes on", async () => {
    const site = new Site();
    site.broker.takenIds.add("c:2");
    const headers = { [chainHeader]: JSON.stringify({ id: "c", next: 2, steps: [laterStep] }) };
    await site.open({ consume: () => 42 });
    site.enqueue(1, "k", { headers });
    site.enqueue(1, "k");
    await site.rest();
    expect(site.states()).toEqual(["dead", "done"]);
    const errors = site.records.filter(({ level }) => level === "error");
    expect(errors.map(({ fields }) => fields)).toMatchObject([{ task: "t0", next: "c:2" }]);
    expect(site.intake.stats()).toMatchObject({ done: 1, dead: 1 });
  });

  test("of a chain that cannot be read ends in the archive", async () => {
    const site = new Site();
    await site.open({ consume: () => 42 });
    site.enqueue(1, undefined, { headers: { [chainHeader]: "{" } });
    await site.rest();
    expect(site.states()).toEqual(["dead"]);
  });
});

describe("message", () => {
  test("data is parsed once, undefined for an empty payload, and a PermanentError when it is no JSON", async () => {
    const site = new Site({ concurrency: 4 });
    const seen: unknown[] = [];
    await site.open({
      consume(message) {
        const { data } = message;
        seen.push(data, data === message.data);
      },
    });
    site.enqueue(1, undefined, { payload: new TextEncoder().encode('{"a":1}') });
    site.enqueue(1, undefined, { payload: "" });
    site.enqueue(1, undefined, { payload: "{" });
    await site.rest();
    expect(seen).toEqual([{ a: 1 }, true, undefined, true]);
    expect(site.states()).toEqual(["done", "done", "dead"]);
  });

  test("progress shows the last that was said, without a line of calls behind it", async () => {
    const site = new Site();
    const desk = new Desk();
    await site.open({
      consume(message) {
        for (let percent = 0; percent <= 100; percent++) message.progress({ percent });
        return desk.consume(message);
      },
    });
    site.enqueue(1);
    await site.rest();
    expect(site.model.progress).toEqual(['{"percent":0}', '{"percent":100}']);
  });

  test.each(["soon", -1, Number.NaN, 9e15])("retry() with the delay %p throws at once", async (delay) => {
    const site = new Site();
    let error: unknown;
    await site.open({
      consume(message) {
        try {
          message.retry({ delay });
        } catch (caught) {
          error = caught;
        }
      },
    });
    site.enqueue(1);
    await site.rest();
    expect(error).toBeInstanceOf(TypeError);
    expect(site.states()).toEqual(["done"]);
  });
});

describe("a limit", () => {
  test("begins so many in a time, and the others wait here", async () => {
    const site = new Site({ limit: { rate: 2, per: 1_000 }, concurrency: 10 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(6);
    await site.rest();
    expect(desk.begun).toHaveLength(2);
    await site.pass(999);
    expect(desk.begun).toHaveLength(2);
    await site.pass(1);
    expect(desk.begun).toHaveLength(4);
    await site.pass(1_000);
    expect(desk.begun).toHaveLength(6);
  });

  test("per key delays no other key", async () => {
    const site = new Site({ limitPerKey: { rate: 1, per: 1_000 }, concurrency: 10 });
    const begun: string[] = [];
    await site.open({ consume: ({ id }) => void begun.push(id) });
    site.enqueue(3, "a");
    site.enqueue(2, "b");
    site.enqueue(1);
    await site.rest();
    expect(begun).toEqual(["t0", "t3", "t5"]);
    await site.pass(1_000);
    expect(begun).toEqual(["t0", "t3", "t5", "t1", "t4"]);
  });
});
