import { describe, expect, test } from "bun:test";
import { createRedactor } from "../../src/observe/redact.ts";

describe("createRedactor().text", () => {
  const redactor = createRedactor(['pa"ss\nword', "hunter2!", "hunter2!-long", "abc", ""]);

  test.each([
    ["login with hunter2! failed", "login with *** failed"],
    ["the longer one wins: hunter2!-long", "the longer one wins: ***"],
    ['inside JSON: {"p":"pa\\"ss\\nword"}', 'inside JSON: {"p":"***"}'],
    ["inside a URL: ?x=pa%22ss%0Aword", "inside a URL: ?x=***"],
    ["too short to be searched: abc", "too short to be searched: abc"],
    ["amqp://guest:guest@127.0.0.1:5672", "amqp://guest:***@127.0.0.1:5672"],
    ["redis://:s3cret@host/0 and http://a:80/x@y", "redis://:***@host/0 and http://a:80/x@y"],
    ["GET https://x/?page=2&access_token=abcd&q=1", "GET https://x/?page=2&access_token=***&q=1"],
    ["Authorization: Bearer eyJ.a-b_c=", "Authorization: Bearer ***"],
    ["nothing to hide: user@example.com a=b", "nothing to hide: user@example.com a=b"],
  ])("%s", (text, expected) => {
    expect(redactor.text(text)).toBe(expected);
  });

  test("characters that mean something to a regular expression are taken literally", () => {
    expect(createRedactor(["a.*b(c[d"]).text("a.*b(c[d axxb(c[d")).toBe("*** axxb(c[d");
  });

  test("takes linear time on hostile text", () => {
    const hostile = `${"a://".repeat(20_000)}@${"b=c&".repeat(20_000)}`;
    const before = performance.now();
    redactor.text(hostile);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe("createRedactor().hides", () => {
  const redactor = createRedactor([]);

  test.each([
    "password",
    "DB_PASSWORD",
    "x-api-key",
    "apiKey",
    "accessToken",
    "Authorization",
    "set-cookie",
    "clientSecret",
  ])("%s", (name) => {
    expect(redactor.hides(name)).toBe(true);
  });

  test.each(["maxTokens", "pass", "author", "passed", "key", "secretary"])("not %s", (name) => {
    expect(redactor.hides(name)).toBe(false);
  });
});
