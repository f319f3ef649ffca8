import { expect, test } from "bun:test";
import { eventText } from "../../src/cli/event-text.ts";
import { logLine } from "../../src/cli/log-line.ts";

const evil = "a\u001b[2J\u009bb";
const harmless = "a\\u001b[2J\\u009bb";

test("logLine() obeys no control character of a service: not in the message, a field or an error", () => {
  const error = { name: "Error", message: evil, stack: `Error\n    at ${evil}` };
  const text = logLine({ time: 0, level: "info", msg: evil, service: "x", field: evil, error }, false);
  expect([text.includes("\u001b"), text.includes("\u009b")]).toEqual([false, false]);
  expect(text.split(harmless)).toHaveLength(5);
});

test("logLine() keeps colors of a message where colors are welcome, and ends them", () => {
  const text = logLine({ time: 0, level: "info", msg: "\u001b[31mred" }, true);
  expect(text).toEndWith("\u001b[31mred\u001b[0m");
});

test("eventText() obeys none in a reason or a field", () => {
  const changed = {
    time: 0,
    type: "serviceChanged",
    service: "x",
    from: "ready",
    to: "backoff",
    generation: 1,
  };
  expect(eventText({ ...changed, reason: evil }, false)).toEndWith(`(generation 1): ${harmless}`);
  expect(eventText({ time: 0, type: "hookFailed", message: evil }, false)).toContain(harmless);
});
