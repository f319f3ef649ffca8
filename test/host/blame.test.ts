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
const running = (scope: Scope) => ({ tag: "running" as const, scope });
const gone = (service: string) => ({ tag: "gone" as const, service, generation: undefined });
const plan = (...services: { name: string; module: string; worker?: unknown }[]) =>
  createBlame(() => services);

/** An error whose stack names `files`, innermost first. */
function errorFrom(...files: string[]): Error {
  const error = new Error("boom");
  error.stack = ["Error: boom", ...files.map((file) => `    at work (${file}:12:5)`)].join("\n");
  return error;
}

test("blame.attribute() believes the asynchronous context first", () => {
  const blame = plan();
  const [a, b] = [scope("a"), scope("b")];
  blame.register(a, "/srv/a/main.ts");
  blame.register(b, "/srv/b/main.ts");
  expect(scopes.run(a, () => blame.attribute(errorFrom("/srv/b/main.ts")))).toEqual(running(a));
});

test("blame.attribute() takes the first file of the stack that is a service's, also as a file URL", () => {
  const blame = plan();
  const [a, b] = [scope("a"), scope("b")];
  blame.register(a, "/srv/a.ts");
  blame.register(b, "/srv/b.ts");
  expect(blame.attribute(errorFrom("/srv/node_modules/x.js", "/srv/b.ts", "/srv/a.ts"))).toEqual(running(b));
  expect(blame.attribute(errorFrom("file:///srv/a.ts"))).toEqual(running(a));
});

test("blame.attribute() takes the deepest folder that belongs to one service alone", () => {
  const blame = plan();
  const [a, b, c] = [scope("a"), scope("b"), scope("c")];
  blame.register(a, "/srv/a/main.ts");
  blame.register(b, "/srv/shared/b.ts");
  blame.register(c, "/srv/shared/c.ts");
  expect(blame.attribute(errorFrom("/srv/a/lib/db.ts"))).toEqual(running(a));
  expect(blame.attribute(errorFrom("/srv/shared/lib.ts"))).toBeUndefined();
});

test("blame.attribute() blames nobody for a file that two services share", () => {
  const blame = plan({ name: "a", module: "/srv/same.ts" }, { name: "b", module: "/srv/same.ts" });
  blame.register(scope("a"), "/srv/same.ts");
  blame.register(scope("b"), "/srv/same.ts");
  expect(blame.attribute(errorFrom("/srv/same.ts"))).toBeUndefined();
});

test("blame.attribute() keeps blaming a service whose old and new generation are both alive", () => {
  const blame = plan();
  const [old, young] = [scope("a"), scope("a")];
  blame.register(old, "/srv/a.ts");
  blame.register(young, "/srv/a.ts");
  expect(blame.attribute(errorFrom("/srv/a.ts"))).toEqual(running(young));
});

test("blame.attribute() falls back to the tag an error got where it left a service", () => {
  const blame = plan();
  const a = scope("a");
  const unregister = blame.register(a, "/srv/a.ts");
  const error = errorFrom("/elsewhere/x.ts");
  blame.tag(error, a);
  blame.tag("a string cannot be tagged", a);
  expect(blame.attribute(error)).toEqual(running(a));
  expect(blame.attribute("a string cannot be tagged")).toBeUndefined();
  unregister();
  expect(blame.attribute(error)).toEqual({ tag: "gone", service: "a", generation: 1 });
});

test("blame.attribute() blames a generation that has ended for what it left behind, and nobody who lives", () => {
  const blame = plan({ name: "a", module: "/srv/a.ts" }, { name: "b", module: "/srv/b.ts" });
  const [old, young] = [scope("a"), { ...scope("a"), generation: 2 }];
  const error = errorFrom("/srv/a.ts");
  blame.register(old, "/srv/a.ts")();
  blame.register(scope("b"), "/srv/b.ts");
  const left = { tag: "gone", service: "a", generation: 1 } as const;
  expect(scopes.run(old, () => blame.attribute(error))).toEqual(left);
  expect(blame.attribute(error)).toEqual(gone("a"));
  blame.register(young, "/srv/a.ts");
  expect(scopes.run(old, () => blame.attribute(error))).toEqual(left);
  blame.tag(error, old);
  expect(blame.attribute(error)).toEqual(left);
});

test("blame.attribute() lets a service of the plan that does not run own its file and its share of the folder", () => {
  const blame = plan({ name: "a", module: "/srv/a.ts" }, { name: "b", module: "/srv/b.ts" });
  const b = scope("b");
  blame.register(b, "/srv/b.ts");
  expect(blame.attribute(errorFrom("/srv/a.ts"))).toEqual(gone("a"));
  expect(blame.attribute(errorFrom("/srv/lib.ts"))).toBeUndefined();
  expect(blame.attribute(errorFrom("/srv/lib.ts", "/srv/b.ts"))).toEqual(running(b));
});

test("blame.attribute() remembers what a reload removed, unless its file is another service's now", () => {
  const blame = plan({ name: "b", module: "/srv/b.ts" }, { name: "renamed", module: "/srv/c.ts" });
  const [b, renamed] = [scope("b"), scope("renamed")];
  blame.register(scope("a"), "/srv/a.ts")();
  blame.register(scope("c"), "/srv/c.ts")();
  blame.register(b, "/srv/b.ts");
  expect(blame.attribute(errorFrom("/srv/a.ts"))).toEqual(gone("a"));
  blame.register(renamed, "/srv/c.ts");
  expect(blame.attribute(errorFrom("/srv/c.ts"))).toEqual(running(renamed));
});

test("blame.attribute() leaves the folder to a service beside one in threads of its own: that fails there", () => {
  const blame = plan({ name: "a", module: "/srv/a.ts" }, { name: "b", module: "/srv/b.ts", worker: {} });
  const a = scope("a");
  blame.register(a, "/srv/a.ts");
  expect(blame.attribute(errorFrom("/srv/lib.ts"))).toEqual(running(a));
});
