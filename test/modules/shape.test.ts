import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { creatorOf, pickExport } from "../../src/modules/shape.ts";
import type { Context } from "../../src/service/contract.ts";

const ctx = { name: "api" } as Context;

describe("creatorOf()", () => {
  test("takes an object, a Hono app and { fetch } as they are", async () => {
    const app = new Hono();
    expect(await creatorOf(app, "x")(ctx)).toBe(app as never);
    const plain = { fetch: () => new Response() };
    expect(await creatorOf(plain, "x")(ctx)).toBe(plain);
    const runner = { run: async () => {} };
    expect(await creatorOf(runner, "x")(ctx)).toBe(runner);
  });

  test("makes a class and gives it the context", async () => {
    class Api {
      readonly name: string;
      constructor(given: Context) {
        this.name = given.name;
      }
      start() {}
    }
    const made = await creatorOf(Api, "x")(ctx);
    expect(made).toBeInstanceOf(Api);
    expect((made as Api).name).toBe("api");
  });

  test("calls a function, waits for what it promises", async () => {
    const make = (given: Context) => ({ start() {}, name: given.name });
    expect(await creatorOf(make, "x")(ctx)).toMatchObject({ name: "api" });
    expect(await creatorOf(async (given: Context) => make(given), "x")(ctx)).toMatchObject({ name: "api" });
  });

  test.each([
    [42, "found a number"],
    [null, "found null"],
    [undefined, "found undefined"],
    [[], "found an array"],
    [{}, "found an empty object"],
    [{ port: 1, handler() {} }, "found an object with port, handler"],
    [{ fetch: "http://" }, "found an object with fetch (a string)"],
    [{ start: 5, port: 1 }, "found an object with start (a number), port"],
    [Promise.resolve({ start() {} }), "found a Promise (export what it resolves to, with await)"],
  ])("refuses %p, saying what it found", (exported, found) => {
    expect(() => creatorOf(exported, "the default export")).toThrow(
      `the default export is not a service: ${found}, expected an object with start(), run() or fetch()`,
    );
  });

  test("says which function or class returned something else", async () => {
    expect(() => creatorOf(() => 1, "makeApi")(ctx)).toThrow(
      "what makeApi() returned is not a service: found a number",
    );
    await expect(creatorOf(async () => ({}), "makeApi")(ctx)).rejects.toThrow(
      "what makeApi() returned is not a service",
    );
  });
});

describe("pickExport()", () => {
  test("finds default and named exports", () => {
    expect(pickExport({ default: 1 }, "default", "a.ts")).toBe(1);
    expect(pickExport({ api: 2 }, "api", "a.ts")).toBe(2);
  });

  test("tells which exports there are, and what to write", () => {
    expect(() => pickExport({ api: 1 }, "default", "a.ts")).toThrow(
      "a.ts has no default export: it exports api",
    );
    expect(() => pickExport({}, "api", "a.ts")).toThrow('a.ts has no export named "api": it exports nothing');
    try {
      pickExport({ api: 1 }, "default", "a.ts");
    } catch (error) {
      expect(error).toMatchObject({ code: "NOT_A_SERVICE", hint: 'Write "export default …" in the module.' });
    }
  });

  test.each([
    [
      "the nearest",
      "wroker",
      { worker: { run() {} }, api: { start() {} } },
      'Did you mean "export: worker"?',
    ],
    ["the only one", "default", { api: { start() {} }, port: 80 }, "Set export: api, or write"],
    ["none", "default", { port: 80 }, 'Write "export default …" in the module.'],
    ["all that fit", "default", { a() {}, b() {} }, "or set export: to one of a, b."],
  ])("hints at %s of what could be a service", (_, name, exports, hint) => {
    const expected = { hint: expect.stringContaining(hint) };
    expect(() => pickExport(exports, name, "a.ts")).toThrow(expect.objectContaining(expected));
  });
});
