import { expect, test } from "bun:test";
import { nearest } from "../../src/core/nearest.ts";

const keys = ["start_timeout", "stop_timeout", "depends_on", "restart", "http", "env"];

test.each([
  ["star_timeout", "start_timeout"],
  ["strat_timeout", "start_timeout"],
  ["stopTimeout", "stop_timeout"],
  ["stop-timeout", "stop_timeout"],
  ["dependson", "depends_on"],
  ["RESTART", "restart"],
  ["htpt", "http"],
  ["en", "env"],
])("nearest() takes %s for %s", (word, expected) => {
  expect(nearest(word, keys)).toBe(expected);
});

test.each(["schedule", "x", "", "volumes", "isolation"])("nearest() says nothing for %p", (word) => {
  expect(nearest(word, keys)).toBeUndefined();
});

test("nearest() prefers the closest over the first", () => {
  expect(nearest("mailer2", ["mailer", "mailer22", "mailer2x", "mailer2"])).toBe("mailer2");
});
