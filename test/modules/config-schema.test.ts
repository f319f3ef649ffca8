import { describe, expect, test } from "bun:test";
import assert from "node:assert/strict";
import * as v from "valibot";
import type { ServicePlan } from "../../src/core/plan.ts";
import type { Locate } from "../../src/core/problem.ts";
import { unread } from "../../src/core/unread.ts";
import { checkConfig } from "../../src/modules/config-schema.ts";

const service = (config: unknown) => ({ name: "api", config }) as ServicePlan;
const locate: Locate = (path) => ({
  file: "services.yaml",
  line: 1,
  column: 1,
  text: path.join("."),
  length: 1,
});
const schema = v.object({
  dsn: v.string(),
  pool: v.optional(v.number(), 4),
  tags: v.optional(v.array(v.string())),
});

describe("checkConfig()", () => {
  test("hands over the block as it is when the module has no schema", async () => {
    const config = { any: "thing" };
    expect(await checkConfig(service(config), {}, locate)).toBe(config);
    expect(await checkConfig(service(config), { config: undefined }, locate)).toBe(config);
    for (const none of [undefined, null, {}])
      expect(await checkConfig(service(none), { config: "no schema" }, locate)).toEqual({});
  });

  test("refuses a block for which the module exports something else than a schema", async () => {
    const checking = checkConfig(service({ a: 1 }), { config: { a: 1 } }, locate);
    await expect(checking).rejects.toMatchObject({
      problems: [{ code: "BAD_CONFIG", message: expect.stringContaining("no Standard Schema") }],
    });
  });

  test("hands over what the schema makes of it", async () => {
    expect(await checkConfig(service({ dsn: "x" }), { config: schema }, locate)).toEqual({
      dsn: "x",
      pool: 4,
    });
  });

  test("judges nothing that was not looked at, and all the rest", async () => {
    const unseen = v.object({ key: v.pipe(v.string(), v.url()), pool: v.number() });
    const config = { key: unread, pool: 1 };
    expect(await checkConfig(service(config), { config: unseen }, locate)).toEqual(config);
    const wrong = checkConfig(service({ key: unread, pool: "x" }), { config: unseen }, locate);
    await expect(wrong).rejects.toMatchObject({
      problems: [{ position: { text: "services.api.config.pool" } }],
    });
  });

  test("reports every issue at its place", async () => {
    const checking = checkConfig(service({ dsn: 5, tags: ["a", 7] }), { config: schema }, locate);
    await expect(checking).rejects.toMatchObject({
      problems: [
        { code: "BAD_CONFIG", position: { text: "services.api.config.dsn" } },
        { code: "BAD_CONFIG", position: { text: "services.api.config.tags.1" } },
      ],
    });
  });

  test.each([
    ["throws", { validate: () => assert.fail("no validation today") }, "no validation today"],
    ["gives nothing", { validate: () => undefined }, "undefined"],
  ])("tells of a schema that %s, at the block or else at the module", async (_, standard, why) => {
    const checking = checkConfig(service({ dsn: "x" }), { config: { "~standard": standard } }, locate);
    await expect(checking).rejects.toMatchObject({
      problems: [
        {
          code: "BAD_CONFIG",
          message: expect.stringContaining(why),
          position: { text: "services.api.config" },
        },
      ],
    });
  });

  test("checks an absent block as an empty one, so that what is missing is named", async () => {
    await expect(checkConfig(service(undefined), { config: schema }, locate)).rejects.toMatchObject({
      problems: [{ message: expect.stringContaining("config.dsn of service") }],
    });
  });

  test("waits for a schema that answers later", async () => {
    const later = { "~standard": { validate: async (value: unknown) => ({ value: { seen: value } }) } };
    expect(await checkConfig(service({ a: 1 }), { config: later }, locate)).toEqual({ seen: { a: 1 } });
  });
});
