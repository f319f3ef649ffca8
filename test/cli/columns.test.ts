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
