import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepUnchanged } from "../../src/config/keep-unchanged.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import type { Plan, ServicePlan } from "../../src/core/plan.ts";
import { tempDir } from "../support/temp-dir.ts";

const services = (limit: number) => `name: shop
services:
  api:
    module: ./api.ts
    http: { port: 8080 }
    config: { limit: ${limit} }
  site:
    module: ./api.ts
    depends_on: [api]
    http: { port: 8081 }
`;

test("keepUnchanged() keeps the objects of services that say the same", async () => {
  const [old, next] = await plansOf(services(1), services(2));

  const kept = keepUnchanged(old, next);

  expect(kept).toEqual(next);
  expect(kept.services[1]).toBe(old.services[1] as ServicePlan);
});

test("keepUnchanged() keeps what a changed service still says, and nothing else of it", async () => {
  const [old, next] = await plansOf(services(1), services(2));

  const [api] = keepUnchanged(old, next).services;

  expect(api?.http).toBe(old.services[0]?.http);
  expect(api?.config).toEqual({ limit: 2 });
  expect(Object.isFrozen(api)).toBe(true);
});

test("keepUnchanged() follows the newer plan in which services there are, and in their order", async () => {
  const [site = "", api = ""] = ["  site: { module: ./api.ts }\n", "  api: { module: ./api.ts }\n"];
  const [old, next] = await plansOf(
    `services:\n${api}  gone: { module: ./api.ts }\n`,
    `services:\n${site}${api}`,
  );

  const kept = keepUnchanged(old, next);

  expect(kept.services.map(({ name }) => name)).toEqual(["site", "api"]);
  expect(kept.services[1]).toBe(old.services[0] as ServicePlan);
});

test("keepUnchanged() takes a value that is gone, and one that became a list, for a change", async () => {
  const withConfig = (config: string) => `services:\n  api: { module: ./api.ts, config: ${config} }\n`;
  const [old, next] = await plansOf(withConfig('{ a: { "0": x }, b: 1 }'), withConfig("{ a: [x], b: 1 }"));
  const [, fewer] = await plansOf(withConfig("{ a: 1 }"), withConfig("{ b: 1 }"));

  expect(keepUnchanged(old, next).services[0]?.config).toEqual({ a: ["x"], b: 1 });
  expect(keepUnchanged(old, fewer).services[0]?.config).toEqual({ b: 1 });
});

async function plansOf(...texts: readonly [string, string]): Promise<[Plan, Plan]> {
  using project = tempDir({ "api.ts": "", "services.yaml": texts[0] });
  const file = join(project.path, "services.yaml");
  const { plan: old } = await readPlan({ file, variables: {} });
  writeFileSync(file, texts[1]);
  const { plan: next } = await readPlan({ file, variables: {} });
  return [old, next];
}
