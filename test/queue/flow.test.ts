import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Appetite } from "../../src/queue/appetite.ts";
import { Deadlines } from "../../src/queue/deadlines.ts";
import { Fifo } from "../../src/queue/fifo.ts";
import { Heap } from "../../src/queue/heap.ts";
import { KeyWindows, Window } from "../../src/queue/rate.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { Desk, Site } from "./setup.ts";

describe("what goes to the broker", () => {
  test("is gathered: one settle call at a time, and all that ends meanwhile goes with the next", async () => {
    const site = new Site({ concurrency: 8 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(8);
    await site.rest();
    const answer = Promise.withResolvers<void>();
    site.model.hold = answer.promise;
    for (const id of ["t0", "t1"]) desk.end(id);
    await site.rest();
    for (const id of ["t2", "t3", "t4"]) {
      desk.end(id);
      await site.rest();
    }
    expect(site.model.settleCalls.map((call) => call.length)).toEqual([2]);
    answer.resolve();
    await site.rest();
    expect(site.model.settleCalls.map((call) => call.length)).toEqual([2, 3]);
  });

  test("has never more than `buffer` messages out, and asks in big bites", async () => {
    const site = new Site({ concurrency: 2, buffer: 10 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(100);
    await site.rest();
    let most = 0;
    for (let index = 0; index < 100; index++) {
      most = Math.max(most, site.states().filter((state) => state === "active").length);
      desk.end(`t${index}`);
      await site.rest();
    }
    expect(site.states().every((state) => state === "done")).toBe(true);
    expect(most).toBeLessThanOrEqual(10);
    expect(site.model.asked.length).toBeLessThan(80);
  });
});

describe("Appetite", () => {
  const full = { room: 1_000, idle: 0, isSettling: false, now: 0 };

  test("keeps as many as there are slots, and asks for half of it at least", () => {
    const appetite = new Appetite(10, 1_000);
    expect(appetite.want({ ...full, startable: 0, idle: 10 })).toBe(20);
    expect(appetite.want({ ...full, startable: 6 })).toBe(0);
    expect(appetite.want({ ...full, startable: 5 })).toBe(5);
  });

  test("grows while slots run dry, up to the buffer, and shrinks when a bite lasts long", () => {
    const appetite = new Appetite(10, 100);
    for (let n = 0; n < 10; n++) appetite.received(20, 20, 0);
    expect(appetite.stock).toBe(100);
    appetite.want({ ...full, startable: 0, idle: 10 });
    appetite.want({ ...full, startable: 0, idle: 10, now: 1_001 });
    expect(appetite.stock).toBe(50);
  });

  test("takes a large stock in two bites, so that the broker prepares the one while the other is handled", () => {
    const appetite = new Appetite(10, 1_000);
    for (let n = 0; n < 10; n++) appetite.received(20, 20, 0);
    expect(appetite.want({ ...full, startable: 0, idle: 10 })).toBe(500);
    expect(appetite.want({ ...full, room: 500, startable: 500, isSettling: true })).toBe(500);
    expect(appetite.want({ ...full, room: 499, startable: 501, isSettling: true })).toBe(0);
  });

  test("never asks for more than there is room for", () => {
    expect(new Appetite(10, 8).want({ ...full, room: 3, startable: 0, idle: 10 })).toBe(3);
    expect(new Appetite(10, 8).want({ ...full, room: 0, startable: 0, idle: 10 })).toBe(0);
  });

  test("takes no little bite while the broker's answer is about to make room for a big one", () => {
    const hungry = { ...full, room: 3, startable: 0, idle: 10 };
    expect(new Appetite(10, 8).want({ ...hungry, isSettling: true })).toBe(0);
    expect(new Appetite(10, 8).want({ ...hungry, isSettling: true, room: 4 })).toBe(4);
    expect(new Appetite(10, 8).want(hungry)).toBe(3);
  });
});

describe("Window", () => {
  const waits = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    maxLength: 200,
  });

  test("lets at most `rate` begin in any `per`, wherever that is laid, and that many when they wait", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), waits, (rate, waits) => {
        const window = new Window({ rate, per: 100 });
        const begun: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          if (window.nextAt(now) > now) continue;
          window.take(1, now);
          begun.push(now);
          expect(begun.filter((at) => now - at < 100).length).toBeLessThanOrEqual(rate);
        }
        now += 200;
        expect(window.allows(now)).toBe(rate);
      }),
    );
  });

  test("says when the next one may begin, and then it may", () => {
    const window = new Window({ rate: 20, per: 1_000 });
    window.take(19, 0);
    window.take(1, 600);
    expect(window.nextAt(600)).toBe(1_000);
    expect([window.allows(999), window.allows(1_000), window.allows(1_600)]).toEqual([0, 19, 20]);
  });

  test("of a key lets at most `rate` of it begin in any `per`, and is forgotten when nothing of it counts", () => {
    const windows = new KeyWindows({ rate: 1, per: 100 });
    for (let n = 0; n < 1_000; n++) windows.take(`k${n}`, n);
    expect(windows.size).toBeLessThanOrEqual(101);
    expect(windows.nextAt("k999", 999)).toBe(1_099);
    expect(windows.nextAt("k0", 999)).toBe(999);
    const five = new KeyWindows({ rate: 5, per: 1_000 });
    const begun: number[] = [];
    for (let now = 0; now < 5_000; now += 50) {
      if (five.nextAt("k", now) > now) continue;
      five.take("k", now);
      begun.push(now);
    }
    for (const at of begun) {
      expect(begun.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(5);
    }
    expect(begun).toHaveLength(25);
  });
});

test("Heap gives what was added and not removed, the earliest first", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.boolean())), (entries) => {
      const heap = new Heap<number>();
      const added = entries.map(([at], index) => heap.add(at, index));
      for (const [index, [, isRemoved]] of entries.entries()) {
        const entry = added[index];
        if (isRemoved && entry) heap.remove(entry);
      }
      const out: number[] = [];
      for (let { first } = heap; first; first = heap.first) {
        out.push(first.at);
        heap.remove(first);
      }
      const kept = entries.filter(([, isRemoved]) => !isRemoved).map(([at]) => at);
      expect(out).toEqual(kept.sort((a, b) => a - b));
    }),
  );
});

test("Fifo keeps the order through any mix of pushes and shifts", () => {
  const fifo = new Fifo<number>();
  const out: (number | undefined)[] = [];
  for (let n = 0; n < 5_000; n++) {
    fifo.push(n);
    if (n % 3 !== 0) out.push(fifo.shift());
  }
  while (fifo.size > 0) out.push(fifo.shift());
  expect(out).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
  expect(fifo.shift()).toBeUndefined();
});

test("Deadlines fire in time on one timer, and not when they were removed", async () => {
  const clock = new FakeClock();
  const fired: string[] = [];
  const deadlines = new Deadlines<string>(clock, (value) => fired.push(value));
  const start = clock.now();
  deadlines.add(start + 300, "c");
  deadlines.remove(deadlines.add(start + 200, "b"));
  deadlines.add(start + 100, "a");
  expect(clock.pending).toBe(1);
  await clock.tick(100);
  expect(fired).toEqual(["a"]);
  await clock.tick(200);
  expect(fired).toEqual(["a", "c"]);
  deadlines.rest();
  expect(clock.pending).toBe(0);
});
