import { describe, expect, test } from "bun:test";
import { shownLine, shownText } from "../../src/core/shown-text.ts";

describe("shownText()", () => {
  test("tells control characters, and leaves line feeds, tabs and everything else", () => {
    expect(shownText("a\u001b[2Jb\u0007\u009b1m\u007f\rc")).toBe(
      "a\\u001b[2Jb\\u0007\\u009b1m\\u007f\\u000dc",
    );
    expect(shownText("one\r\n\ttwo é 漢 😀")).toBe("one\n\ttwo é 漢 😀");
  });

  test("keeps colors only where colors are welcome, and ends them", () => {
    expect(shownText("\u001b[31mred")).toBe("\\u001b[31mred");
    expect(shownText("\u001b[31mred\u001b[2J", true)).toBe("\u001b[31mred\\u001b[2J\u001b[0m");
    expect(shownText("plain", true)).toBe("plain");
  });
});

test("shownLine() tells line feeds and tabs, too", () => {
  expect(shownLine("a\r\n\tb\u001b[31m")).toBe("a\\r\\n\\tb\\u001b[31m");
});
