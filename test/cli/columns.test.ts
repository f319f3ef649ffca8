import { expect, test } from "bun:test";
import { columns } from "../../src/cli/columns.ts";

test("columns() aligns cells and leaves no spaces at the end of a line", () => {
  expect(
    columns([
      ["a", "bb", "c"],
      ["long", "b"],
      ["x", "", "y"],
    ]),
  ).toEqual(["a     bb  c", "long  b", "x         y"]);
});

test("columns() tells what would break a line or be obeyed by a terminal", () => {
  expect(columns([["a\u001b[2J\u0007b", "c\nd\te\r"], ["x"]])).toEqual([
    "a\\u001b[2J\\u0007b  c\\nd\\te\\r",
    "x",
  ]);
});
