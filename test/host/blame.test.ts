import { expect, test } from "bun:test";
import { createLogger } from "../../src/core/log.ts";
import { createBlame } from "../../src/host/blame.ts";
import type { Scope } from "../../src/service/scope.ts";
import { scopes } from "../../src/service/scope.ts";

const log = createLogger(
  () => {},
  () => 0,
);
const scope = (service: string): Scope => ({ service, generation: 1, log, beacon: 1, failed: () => {} });

/** An error whose stack names `files`, innermost first. */
function errorFrom(...files: string[]): Error {
  const error = new Error("boom");
  error.stack = ["Error: boom", ...files.map((file) => `    at work (${file}:12:5)`)].join("\n");
  return error;
}

test("blame.attribute() believes the asynchronous context first", () => {
  const blame = createBlame();
  const [a, b] = [scope("a"), scope("b")];
  blame.register(a, "/srv/a/main.ts");
  blame.register(b, "/srv/b/main.ts");
  expect(scopes.run(a, () => blame.attribute(errorFrom("/srv/b/main.ts")))).toBe(a);
});

test("blame.attribute() takes the first file of the stack that is a service's, also as a file URL", () => {
  const blame = createBlame();
  const [a, b] = [scope("a"), scope("b")];
  blame.register(a, "/srv/a.ts");
  blame.register(b, "/srv/b.ts");
  expect(blame.attribute(errorFrom("/srv/node_modules/x.js", "/srv/b.ts", "/srv/a.ts"))).toBe(b);
  expect(blame.attribute(errorFrom("file:///srv/a.ts"))).toBe(a);
});

test("blame.attribute() takes the deepest folder that belongs to one service alone", () => {
  const blame = createBlame();
  const [a, b, c] = [scope("a"), scope("b"), scope("c")];
  blame.register(a, "/srv/a/main.ts");
  blame.register(b, "/srv/shared/b.ts");
  blame.register(c, "/srv/shared/c.ts");
  expect(blame.attribute(errorFrom("/srv/a/lib/db.ts"))).toBe(a);
  expect(blame.attribute(errorFrom("/srv/shared/lib.ts"))).toBeUndefined();
});

test("blame.attribute() blames nobody for a file that two services share", () => {
  const blame = createBlame();
  blame.register(scope("a"), "/srv/same.ts");
  blame.register(scope("b"), "/srv/same.ts");
  expect(blame.attribute(errorFrom("/srv/same.ts"))).toBeUndefined();
});

test("blame.attribute() keeps blaming a service whose old and new generation are both alive", () => {
  const blame = createBlame();
  const [old, young] = [scope("a"), scope("a")];
  blame.register(old, "/srv/a.ts");
  blame.register(young, "/srv/a.ts");
  expect(blame.attribute(errorFrom("/srv/a.ts"))).toBe(young);
});

test("blame.attribute() falls back to the tag an error got where it left a service", () => {
  const blame = createBlame();
  const a = scope("a");
  const unregister = blame.register(a, "/srv/a.ts");
  const error = errorFrom("/elsewhere/x.ts");
  blame.tag(error, a);
  blame.tag("a string cannot be tagged", a);
  expect(blame.attribute(error)).toBe(a);
  expect(blame.attribute("a string cannot be tagged")).toBeUndefined();
  unregister();
  expect(blame.attribute(error)).toBeUndefined();
});
