import { describe, expect, test } from "bun:test";
import { SupervisorError } from "../../src/core/errors.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { markHooks, openHooks } from "../../src/host/hook-marks.ts";
import { createOutbox } from "../../src/host/outbox.ts";
import { createRotation } from "../../src/host/thread-rotation.ts";
import { fromWire, locatorOf, toWire } from "../../src/host/wire-error.ts";
import { vitalCells } from "../../src/host/worker-protocol.ts";
import { createWatch } from "../../src/host/worker-watch.ts";
import type { Context } from "../../src/service/contract.ts";

const newVitals = () => new Int32Array(new SharedArrayBuffer(16));
const MiB = 1_048_576;

describe("createRotation()", () => {
  test("next() gives the least busy thread, among equals each in turn", () => {
    const busy: Record<string, number> = { a: 0, b: 0, c: 0 };
    const rotation = createRotation<string>((name) => busy[name] as number);
    expect(rotation.next()).toBeUndefined();
    for (const name of ["a", "b", "c"]) rotation.add(name);
    expect([1, 2, 3, 4].map(() => rotation.next())).toEqual(["a", "b", "c", "a"]);
    Object.assign(busy, { a: 2, b: 1, c: 3 });
    expect([rotation.next(), rotation.next()]).toEqual(["b", "b"]);
    rotation.remove("b");
    expect(rotation.next()).toBe("a");
    expect(rotation.size).toBe(2);
  });
});

describe("createOutbox()", () => {
  test("sends what one turn brings together, in order; what is urgent at once", async () => {
    const lists: (readonly number[])[] = [];
    const post = createOutbox<number>((messages) => lists.push(messages));
    post(1);
    post(2);
    expect(lists).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve));
    expect(lists).toEqual([[1, 2]]);
    post(3);
    post(4, true);
    expect(lists).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await new Promise((resolve) => setTimeout(resolve));
    expect(lists).toHaveLength(2);
    post(5);
    await new Promise((resolve) => setTimeout(resolve));
    expect(lists.at(-1)).toEqual([5]);
  });
});

describe("createWatch()", () => {
  test("tells of a loop that has not turned for longer than it may", () => {
    const vitals = newVitals();
    const look = createWatch(vitals, { freezeMs: 1_000 });
    expect(look(0, 0)).toEqual({ tag: "well" });
    expect(look(600, 0)).toEqual({ tag: "well" });
    expect(look(1_100, 0)).toEqual({ tag: "frozen", forMs: 1_100 });
    vitals[vitalCells.beat] = 1;
    expect(look(1_200, 0)).toEqual({ tag: "well" });
  });

  test("blames nobody when main itself did not run", () => {
    const look = createWatch(newVitals(), { freezeMs: 1_000 });
    look(0, 0);
    expect(look(5_000, 0)).toEqual({ tag: "well" });
    expect(look(5_900, 0)).toEqual({ tag: "well" });
    expect(look(6_100, 0)).toMatchObject({ tag: "frozen" });
  });

  test("believes a thread that says how much it uses, whatever the process does", () => {
    const vitals = newVitals();
    const look = createWatch(vitals, { freezeMs: 9_000, memory: 100 * MiB });
    for (let now = 0; now < 2_000; now += 100) {
      vitals[vitalCells.beat] = now;
      expect(look(now, now * MiB)).toEqual({ tag: "well" });
    }
    vitals[vitalCells.heap] = 101 * 1_024;
    expect(look(2_100, 0)).toEqual({ tag: "outOfMemory", bytes: 101 * MiB });
  });

  test("counts the growth of the process as a silent thread's own, from when it was last heard", () => {
    const vitals = newVitals();
    vitals[vitalCells.heap] = 50 * 1_024;
    const look = createWatch(vitals, { freezeMs: 9_000, memory: 100 * MiB });
    expect(look(0, 500 * MiB)).toEqual({ tag: "well" });
    expect(look(300, 900 * MiB)).toEqual({ tag: "well" });
    expect(look(500, 540 * MiB)).toEqual({ tag: "well" });
    expect(look(600, 560 * MiB)).toEqual({ tag: "outOfMemory", bytes: 110 * MiB });
  });

  test("looks at no memory without a limit", () => {
    const vitals = newVitals();
    vitals[vitalCells.heap] = 2_000_000;
    expect(createWatch(vitals, { freezeMs: 9_000 })(0, 9e12)).toEqual({ tag: "well" });
  });
});

describe("toWire() and fromWire()", () => {
  test("keep the class where it decides what happens next", () => {
    const error = fromWire(structuredClone(toWire(new SupervisorError("BAD_CONFIG", "no", "do"))));
    expect(error).toBeInstanceOf(SupervisorError);
    expect(error).toMatchObject({ code: "BAD_CONFIG", message: "no", hint: "do", name: "SupervisorError" });
  });

  test("keep all of an AggregateError, and what is no Error at all", () => {
    const error = fromWire(toWire(new AggregateError([new Error("a"), "b"], "both")));
    expect((error as AggregateError).errors.map((each) => each.message)).toEqual(["a", "b"]);
    expect(fromWire(toWire({ odd: 1 })).message).toBe('{"odd":1}');
  });

  test("end a chain of causes that never ends", () => {
    const error = new Error("self");
    error.cause = error;
    expect(fromWire(toWire(error)).message).toBe("self");
  });

  test("find the place of a problem in the file that only main has, and keep one that is known", () => {
    const paths: (readonly (string | number)[])[] = [];
    const position = locatorOf(paths)(["services", "a", "module"]);
    const known = { file: "a.ts", line: 3, column: 1, text: "x", length: 1 };
    const problem = { code: "BAD_CONFIG", message: "no", hint: "do" } as const;
    const thrown = new ProblemsError([
      { ...problem, ...(position ? { position } : {}) },
      { ...problem, position: known },
    ]);
    const found = fromWire(structuredClone(toWire(thrown, paths)), (path) => ({
      ...known,
      file: path.join("."),
    }));
    const files = (found as ProblemsError).problems.map((each) => each.position?.file);
    expect(files).toEqual(["services.a.module", "a.ts"]);
  });
});

describe("markHooks()", () => {
  test("shows which hooks are open, from before their first line to their end", async () => {
    const vitals = newVitals();
    const seen: string[][] = [];
    const end = Promise.withResolvers<void>();
    const service = markHooks(
      {
        start: () => void seen.push(openHooks(vitals)),
        run: () => end.promise,
        stop() {
          seen.push(openHooks(vitals));
          throw new Error("no");
        },
      },
      vitals,
    );
    const ctx = {} as Context;
    await service.start?.(ctx);
    const running = service.run?.(ctx);
    await expect(service.stop?.(ctx)).rejects.toThrow("no");
    expect(seen).toEqual([["start"], ["run", "stop"]]);
    end.resolve();
    await running;
    expect(openHooks(vitals)).toEqual([]);
  });

  test("keeps the service's own `this`, and adds no hook", async () => {
    class Counting {
      count = 0;
      fetch() {
        this.count++;
        return new Response(String(this.count));
      }
    }
    const marked = markHooks(new Counting(), newVitals());
    expect(Object.keys(marked)).toEqual(["fetch"]);
    expect(await (await marked.fetch?.(new Request("http://h/"), {} as never))?.text()).toBe("1");
  });
});
