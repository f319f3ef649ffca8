import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ReadOptions } from "../../src/config/read-plan.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { unread } from "../../src/core/unread.ts";
import { tempDir } from "../support/temp-dir.ts";

const yaml = `
admin: { token: "\${credential:token}" }
brokers: { main: "\${credential:redis}" }
services:
  a:
    module: ./a.ts
    http: { port: "\${credential:port}" }
    consume: { broker: main, queue: jobs }
    config: { key: "\${credential:key}", other: "\${A:-\${credential:key}}" }
  off: { module: ./a.ts, enabled: false, config: "\${credential:never}" }
`;

async function read(text: string, options: Partial<ReadOptions>) {
  using folder = tempDir({ "services.yaml": text, "a.ts": "" });
  return await readPlan({ file: join(folder.path, "services.yaml"), variables: {}, ...options });
}

test("readPlan() with lenient credentials goes on without them, and tells those that are needed", async () => {
  const { plan, lacking } = await read(yaml, { lenient: "credentials" });
  expect(lacking).toEqual({ credentials: ["token", "redis", "port", "key"], variables: [] });
  expect(plan.services[0]?.config).toEqual({ key: unread, other: unread });
  expect(plan.services[0]?.http).toBeUndefined();
});

test("readPlan() with lenient credentials reads those of a folder, and misses what is not in it", async () => {
  using folder = tempDir({ key: "abc\n" });
  const config = (key: string) => `services: { a: { module: ./a.ts, config: "\${credential:${key}}" } }`;
  const options = { variables: { CREDENTIALS_DIRECTORY: folder.path }, lenient: "credentials" } as const;
  expect((await read(config("key"), options)).plan.services[0]?.config).toBe("abc");
  await expect(read(config("absent"), options)).rejects.toThrow(ProblemsError);
});

test("readPlan() goes on without variables only when all may be absent", async () => {
  const text = "services: { a: { module: ./a.ts, config: '${WHERE}' } }";
  await expect(read(text, { lenient: "credentials" })).rejects.toThrow(ProblemsError);
  const { lacking } = await read(text, { lenient: "all" });
  expect(lacking).toEqual({ credentials: [], variables: ["WHERE"] });
  await expect(read(text, {})).rejects.toThrow(ProblemsError);
});

test.each(["credentials", "all"] as const)("readPlan() with lenient %s needs the name", async (lenient) => {
  const text = "name: '${credential:name}'\nservices: { a: { module: ./a.ts } }";
  const reading = read(text, { lenient });
  await expect(reading).rejects.toMatchObject({
    problems: [{ code: "UNSET_VARIABLE", position: { line: 1 } }],
  });
});

test("readPlan() with lenient exceptBrokers needs their credentials, and nobody else's", async () => {
  const reading = read(yaml, { lenient: "exceptBrokers" });
  await expect(reading).rejects.toMatchObject({
    problems: [{ code: "UNSET_VARIABLE", position: { line: 3 } }],
  });
  const { plan } = await read(yaml.replace('"${credential:redis}"', "redis://localhost"), {
    lenient: "exceptBrokers",
  });
  expect(plan.brokers?.map(({ name }) => name)).toEqual(["main"]);
  expect(plan.services[0]?.consume?.broker).toBe("main");
});
