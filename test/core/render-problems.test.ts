import { expect, test } from "bun:test";
import type { Position, Problem } from "../../src/core/problem.ts";
import { renderProblems } from "../../src/core/render-problems.ts";

const at = (position: Partial<Position>): Problem => ({
  code: "UNKNOWN_KEY",
  message: 'Unknown key "prot"',
  hint: 'Did you mean "port"?',
  position: {
    file: "/project/services.yaml",
    line: 12,
    column: 5,
    text: "    prot: 1",
    length: 4,
    ...position,
  },
});
const plain = { color: false, cwd: "/project" };

test("renderProblems() shows place, code, line, caret, help and the count", () => {
  expect(renderProblems([at({})], plain)).toBe(`services.yaml:12:5 UNKNOWN_KEY  Unknown key "prot"
   12 |     prot: 1
      |     ^^^^
help: Did you mean "port"?

1 problem in services.yaml; nothing was started.`);
});

test("renderProblems() sorts by file, line and column, and leaves what has no place for the end", () => {
  const problems: Problem[] = [
    { code: "USAGE", message: "no place", hint: "" },
    at({ line: 2, column: 9 }),
    at({ file: "/project/a.yaml", line: 99 }),
    at({ line: 2, column: 3 }),
  ];
  const text = renderProblems(problems, plain);
  const places = ["a.yaml:99:5 ", "services.yaml:2:3 ", "services.yaml:2:9 ", "USAGE  no place\nhelp:"];
  expect(places.map((place) => text.indexOf(place))).toEqual(
    places.map((place) => text.indexOf(place)).sort((a, b) => a - b),
  );
  expect(text.indexOf("services.yaml:2:3")).toBeGreaterThan(-1);
  expect(text).toEndWith("4 problems in a.yaml and services.yaml; nothing was started.");
});

test("renderProblems() names no file when no problem has a place", () => {
  const text = renderProblems([{ code: "USAGE", message: "x", hint: "y" }], plain);
  expect(text).toEndWith("1 problem; nothing was started.");
});

test("renderProblems() keeps the caret below its character: tabs and wide letters", () => {
  const lines = renderProblems([at({ text: "\t店: é", column: 5, length: 1 })], plain).split("\n");
  expect(lines[1]).toBe("   12 |  店: é");
  expect(lines[2]).toBe("      |      ^");
});

test("renderProblems() cuts a long line around the caret", () => {
  const text = `${"a".repeat(500)}XX${"b".repeat(500)}`;
  const lines = renderProblems([at({ text, column: 501, length: 2 })], plain).split("\n");
  expect(lines[1]?.length).toBeLessThan(120);
  expect(lines[1]?.indexOf("XX")).toBe(lines[2]?.indexOf("^^") as number);
});

test("renderProblems() lets no control character through to the terminal", () => {
  const text = renderProblems([at({ text: "a\u001b[2Jb\u0007: 1", column: 1, length: 8 })], plain);
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\u0007");
});

test("renderProblems() colours only when asked", () => {
  expect(renderProblems([at({})], { ...plain, color: true })).toContain("\u001b[31m");
});
