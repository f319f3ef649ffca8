import { expect, test } from "bun:test";
import type { Plan, ServicePlan } from "../../src/core/plan.ts";
import type { ProblemsError } from "../../src/core/problem.ts";
import { loadModules } from "../../src/modules/load.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { FakeClock } from "../support/fake-clock.ts";

const hook = () => {};

/** What is wrong with a plan in which `api` and `web` wait for `db`, whose module exports `exported`. */
async function problemsOf(
  exported: unknown,
  more: Partial<ServicePlan> = {},
  others: unknown = { start: hook },
) {
  const service = (name: string, by: Partial<ServicePlan>) =>
    ({
      name,
      module: `/${name}.ts`,
      export: "default",
      startTimeout: 1_000,
      dependsOn: {},
      ...by,
    }) as ServicePlan;
  const plan = {
    secrets: [] as string[],
    services: [
      service("db", more),
      service("api", { dependsOn: { db: "completed" } }),
      service("web", { dependsOn: { db: "ready", api: "started" } }),
    ],
  } as Partial<Plan> as Plan;
  const importModule = async (path: string) => ({ default: path === "/db.ts" ? exported : others });
  const runtime = { importModule } as Partial<Runtime> as Runtime;
  const locate = (path: readonly (string | number)[]) => ({
    file: path.join("."),
    line: 1,
    column: 1,
    text: "",
    length: 1,
  });
  try {
    await loadModules(plan, locate, runtime, new FakeClock());
    return [];
  } catch (error) {
    return (error as ProblemsError).problems;
  }
}

test("loadModules() refuses to wait for the completion of a service that has no run()", async () => {
  expect(await problemsOf({ start: hook })).toEqual([
    {
      code: "BAD_VALUE",
      message: 'Service "api" waits until "db" is completed, which never happens: it has no run()',
      hint: 'Add run() to "db", which is completed when that resolves, or wait until it is ready: "depends_on: { db: ready }".',
      position: expect.objectContaining({ file: "services.api.depends_on.db" }),
    },
  ]);
  expect(await problemsOf(undefined, { module: "" })).toHaveLength(1);
});

test.each([
  ["an object with run()", { run: hook }],
  ["an object that inherits run()", Object.create({ run: hook })],
  [
    "a class, which is looked at when there is an instance",
    class {
      start() {}
    },
  ],
  ["a factory, too", () => ({ start: hook })],
] as const)("loadModules() lets others wait for the completion of %s", async (_, exported) => {
  expect(await problemsOf(exported)).toEqual([]);
});

test.each([
  [
    "an export that throws when it is looked at",
    {
      get fetch() {
        throw new Error("no fetch today");
      },
    },
    "no fetch today",
  ],
  [
    "a Proxy that throws whatever is asked of it",
    new Proxy(
      {},
      {
        get() {
          throw new Error("nothing today");
        },
      },
    ),
    "nothing today",
  ],
])("loadModules() tells of %s with all other problems", async (_, exported, why) => {
  const problems = await problemsOf(exported, { export: "default" }, { start: 5 });
  expect(problems).toHaveLength(3);
  expect(problems[0]).toMatchObject({
    code: "NOT_A_SERVICE",
    message: `Service "db": looking at the default export of /db.ts threw: ${why}`,
    position: { file: "services.db.module" },
  });
});
