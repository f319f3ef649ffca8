import { expect, test } from "bun:test";
import { bold } from "../../src/cli/terminal.ts";
import { wantsColor } from "../../src/core/terminal.ts";

test.each([
  ["a terminal", {}, true, true],
  ["a pipe", {}, false, false],
  ["a terminal without colors", { TERM: "dumb" }, true, false],
  ["NO_COLOR on a terminal", { NO_COLOR: "1" }, true, false],
  ["an empty NO_COLOR", { NO_COLOR: "" }, true, true],
  ["FORCE_COLOR on a pipe", { FORCE_COLOR: "1" }, false, true],
  ["FORCE_COLOR against NO_COLOR", { FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
  ["FORCE_COLOR=0 on a terminal", { FORCE_COLOR: "0" }, true, false],
])("wantsColor() for %s", (_name, variables, isTerminal, expected) => {
  expect(wantsColor(variables, isTerminal)).toBe(expected);
});

test("bold() leaves the text alone without color", () => {
  expect(bold("x", false)).toBe("x");
  expect(bold("x", true)).toBe("\u001b[1mx\u001b[22m");
});
