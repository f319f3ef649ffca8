import { describe, expect, test } from "bun:test";
import { plainFieldValue, plainValue } from "../../src/observe/plain-value.ts";
import { createRedactor } from "../../src/observe/redact.ts";

const redactor = createRedactor(["hunter2!", "123456"]);
const plain = (value: unknown) => plainValue(value, redactor);

describe("plainValue", () => {
  test("an Error keeps name, message, code, hint, stack and its causes", () => {
    const cause = new TypeError("inner");
    const error = Object.assign(new Error("outer hunter2!", { cause }), { code: "E_X", hint: "do this" });
    expect(plain(error)).toMatchObject({
      name: "Error",
      message: "outer ***",
      code: "E_X",
      hint: "do this",
      stack: expect.stringContaining("plain-value.test"),
      cause: { name: "TypeError", message: "inner" },
    });
    expect(JSON.stringify(plain(error))).not.toContain("hunter2!");
  });

  test("an AggregateError keeps every error in it", () => {
    expect(plain(new AggregateError([new Error("a"), "b"], "both"))).toMatchObject({
      errors: [{ message: "a" }, "b"],
    });
  });

  test("circles are told, the same object twice is none", () => {
    const shared = { x: 1 };
    const value: Record<string, unknown> = { a: shared, b: shared };
    value.self = value;
    expect(plain(value)).toEqual({ a: { x: 1 }, b: { x: 1 }, self: "[circular]" });
  });

  test("values that JSON does not know are told in words", () => {
    const value = {
      big: 12n,
      nan: Number.NaN,
      when: new Date(0),
      map: new Map([["k", new Set([1])]]),
      bytes: new Uint8Array(3),
      run() {},
      symbol: Symbol("s"),
      gone: undefined,
      expression: /x/g,
      promise: Promise.resolve(),
    };
    expect(plain(value)).toEqual({
      big: "12",
      nan: "NaN",
      when: "1970-01-01T00:00:00.000Z",
      map: { k: [1] },
      bytes: "[Uint8Array of 3 bytes]",
      run: "[Function run]",
      symbol: "Symbol(s)",
      expression: "/x/g",
      promise: "[Promise]",
    });
  });

  test("a value that throws when it is read is told, and the rest stays", () => {
    const value = {
      good: 1,
      bad: {
        toJSON: () => {
          throw new Error("no");
        },
      },
    };
    expect(plain(value)).toEqual({ good: 1, bad: "[unreadable: no]" });
    expect(
      plain(
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error("trap");
            },
          },
        ),
      ),
    ).toBe("[unreadable: trap]");
  });

  test("the size is bounded in length, breadth, depth and in total", () => {
    const wide = Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => ({ a: { b: "x" } })));
    expect(JSON.stringify(plain(wide)).length).toBeLessThan(100_000);
    expect(String(plain("y".repeat(50_000))).length).toBeLessThan(17_000);
    let deep: unknown = "bottom";
    for (let level = 0; level < 50; level++) deep = { deep };
    expect(JSON.stringify(plain(deep))).toContain("[object]");
  });

  test("secrets are hidden by field name and by value, at any depth", () => {
    const value = {
      user: "bob",
      password: "x",
      list: [{ apiKey: "y", note: "is hunter2!" }],
      pin: 123456,
      token: "",
    };
    expect(plain(value)).toEqual({
      user: "bob",
      password: "***",
      list: [{ apiKey: "***", note: "is ***" }],
      pin: "***",
      token: "",
    });
    expect(plainFieldValue("authorization", { anything: 1 }, redactor)).toBe("***");
  });

  test("a field called __proto__ is a field like any other", () => {
    const plainly = plain(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(JSON.stringify(plainly)).toBe('{"__proto__":{"admin":true}}');
  });
});
