import { describe, expect, test } from "bun:test";
import type { Plan, ServicePlan } from "../../src/core/plan.ts";
import type { Locate } from "../../src/core/problem.ts";
import { createDefinitions } from "../../src/modules/definitions.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { Context } from "../../src/service/contract.ts";
import { FakeClock } from "../support/fake-clock.ts";

const service = (name: string, config: unknown = {}): ServicePlan =>
  ({
    name,
    module: `/${name}.ts`,
    export: "default",
    config,
    startTimeout: 1_000,
    dependsOn: {},
  }) as Partial<ServicePlan> as ServicePlan;
const planOf = (...services: ServicePlan[]) => ({ services, secrets: ["s3cret"] }) as unknown as Plan;
const at =
  (file: string): Locate =>
  (path) => ({ file, line: 1, column: 1, text: path.join("."), length: 1 });

/** Wants `{ limit: number }`, and gives it back with the version of the code. */
const schemaOf = (version: number) => ({
  "~standard": {
    validate: (value: { limit?: unknown }) =>
      typeof value.limit === "number"
        ? { value: { limit: value.limit, version } }
        : { issues: [{ message: `no limit, but s3cret`, path: ["limit"] }] },
  },
});

/** A disk whose code says its version; `broken` files cannot be loaded. */
function disk() {
  const state = { version: 1, broken: new Set<string>(), loads: [] as string[] };
  let loaded = 1;
  const runtime = {
    reloadsModules: true,
    async importModule(path: string, { fresh = false } = {}) {
      state.loads.push(`${path}${fresh ? " fresh" : ""}`);
      if (fresh) loaded = state.version;
      if (state.broken.has(path)) throw new SyntaxError("broken");
      const version = loaded;
      return { default: () => ({ start() {}, version }), config: schemaOf(version) };
    },
  } as unknown as Runtime;
  return { state, runtime };
}

async function loaded(...services: ServicePlan[]) {
  const { state, runtime } = disk();
  const clock = new FakeClock();
  const definitions = createDefinitions({
    plan: planOf(...services),
    locate: at("old.yaml"),
    runtime,
    clock,
  });
  await definitions.load();
  const made = async (each: ServicePlan, fresh: boolean) => {
    const { create, config } = await definitions.next(each, fresh);
    const { version } = (await create({} as Context)) as { version?: number };
    return { version, config };
  };
  return { state, definitions, made };
}

const api = service("api", { limit: 1 });

describe("createDefinitions()", () => {
  test("next() gives what was loaded, until a fresh one is kept", async () => {
    const { state, definitions, made } = await loaded(api);
    state.version = 2;
    expect(await made(api, false)).toEqual({ version: 1, config: { limit: 1, version: 1 } });
    const fresh = await definitions.next(api, true);
    expect(fresh.config).toEqual({ limit: 1, version: 2 });
    expect((await made(api, false)).version).toBe(1);
    definitions.keep(fresh);
    expect((await made(api, false)).version).toBe(2);
  });

  test("next() checks the config of the plan it is given against the new code", async () => {
    const { definitions } = await loaded(api);
    const wrong = definitions.next(service("api", { limit: "x" }), true);
    await expect(wrong).rejects.toMatchObject({
      problems: [
        {
          code: "BAD_CONFIG",
          message: expect.stringContaining("no limit, but ***"),
          position: { file: "old.yaml" },
        },
      ],
    });
  });

  test("next() rejects with the place in the newest plan when the code cannot be loaded", async () => {
    const { state, definitions } = await loaded(api);
    const staged = await definitions.stage({
      plan: planOf(api),
      locate: at("new.yaml"),
      load: [],
      check: [],
    });
    state.broken.add("/api.ts");
    await expect(definitions.next(api, true)).rejects.toMatchObject({
      problems: [{ position: { file: "old.yaml" } }],
    });
    staged.adopt();
    await expect(definitions.next(api, true)).rejects.toMatchObject({
      problems: [{ code: "MODULE_SYNTAX", position: { file: "new.yaml" } }],
    });
  });

  test("stage() loads once for the generation that follows, and not for later ones", async () => {
    const { state, definitions, made } = await loaded(api);
    state.version = 2;
    const staged = await definitions.stage({
      plan: planOf(api),
      locate: at("new.yaml"),
      load: ["api"],
      check: [],
    });
    state.version = 3;
    expect((await made(api, true)).version).toBe(2);
    expect((await made(api, true)).version).toBe(3);
    staged.close();
    expect(state.loads).toEqual(["/api.ts", "/api.ts fresh", "/api.ts fresh"]);
  });

  test("stage() that is closed leaves nothing behind", async () => {
    const { state, definitions, made } = await loaded(api);
    state.version = 2;
    const staged = await definitions.stage({
      plan: planOf(api),
      locate: at("new.yaml"),
      load: ["api"],
      check: [],
    });
    staged.close();
    state.version = 3;
    expect((await made(api, true)).version).toBe(3);
  });

  test("stage() rejects with the problems of all services, and stages none", async () => {
    const [mail, jobs] = [service("mail", { limit: 1 }), service("jobs", {})];
    const { state, definitions, made } = await loaded(api, mail);
    state.version = 2;
    state.broken.add("/mail.ts");
    const plan = planOf(service("api", { limit: "x" }), mail, jobs);
    const staging = definitions.stage({
      plan,
      locate: at("new.yaml"),
      load: ["mail", "jobs"],
      check: ["api"],
    });
    await expect(staging).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({ code: "MODULE_SYNTAX" }),
        expect.objectContaining({
          code: "BAD_CONFIG",
          position: expect.objectContaining({ text: "services.api.config.limit" }),
        }),
        expect.objectContaining({
          code: "BAD_CONFIG",
          position: expect.objectContaining({ text: "services.jobs.config.limit" }),
        }),
      ]),
    });
    expect((await made(api, false)).version).toBe(1);
  });

  test("config() asks the code that runs", async () => {
    const { state, definitions } = await loaded(api);
    state.version = 2;
    expect(await definitions.config(service("api", { limit: 7 }))).toEqual({ limit: 7, version: 1 });
    await expect(definitions.config(service("api", {}))).rejects.toMatchObject({
      problems: [{ code: "BAD_CONFIG" }],
    });
  });
});
