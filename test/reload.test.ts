import { afterAll, describe, expect, test } from "bun:test";
import { readPlan } from "../src/config/read-plan.ts";
import type { StepResult } from "../src/core/command.ts";
import { SupervisorError } from "../src/core/errors.ts";
import type { SupervisorEvent } from "../src/core/events.ts";
import { createEvents } from "../src/core/events.ts";
import type { Plan } from "../src/core/plan.ts";
import { ProblemsError } from "../src/core/problem.ts";
import type { Definitions } from "../src/modules/definitions.ts";
import type { ReloadOptions } from "../src/reload.ts";
import { createReloader } from "../src/reload.ts";
import { FakeClock } from "./support/fake-clock.ts";
import { tempDir } from "./support/temp-dir.ts";

const folder = tempDir({ "a.ts": "", "b.ts": "" });
afterAll(() => folder[Symbol.dispose]());

const base = `name: shop
services:
  api: { module: ./a.ts, http: { port: 8080 }, config: { limit: 10 } }
  jobs: { module: ./b.ts, env: { MODE: slow } }
`;

const read = async (yaml: string) => {
  const file = folder.write("services.yaml", yaml);
  return readPlan({ file, variables: {} });
};

const done = (subject: string, action: StepResult["action"]): StepResult => ({
  subject,
  action,
  outcome: "done",
  durationMs: 1,
});

/** A reloader between fakes that write down what they were asked for. */
async function reloader(overrides: Partial<ReloadOptions> = {}) {
  const seen: string[] = [];
  const emitted: SupervisorEvent[] = [];
  const events = createEvents();
  events.on((event) => emitted.push(event));
  let stopping = false;
  const stop = () => {
    stopping = true;
  };
  const source = await read(base);
  const made = createReloader({
    source,
    read: () => readPlan({ file: source.plan.file, variables: {} }),
    definitions: {
      async stage({ load, check }) {
        seen.push(`stage load=${load} check=${check}`);
        return { adopt: () => seen.push("adopt"), close: () => void seen.push("close") };
      },
    } as Partial<Definitions> as Definitions,
    http: {
      async update(services) {
        seen.push(`bind ${services.map(({ name }) => name)}`);
        return {
          commit: () => seen.push("commit"),
          release: async () => void seen.push("release"),
          rollback: async () => void seen.push("rollback"),
        };
      },
    },
    brokerage: {
      adopt: async () => void seen.push("brokers"),
      release: async () => void seen.push("unused brokers"),
    },
    group: {
      async update({ added, removed, changed, reconfigured }) {
        seen.push(`group +${added} -${removed} ~${changed} =${reconfigured}`);
        return [
          ...added.map((name) => done(name, "add")),
          ...changed.map((name) => done(name, "replace")),
          ...reconfigured.map((name) => done(name, "reconfigure")),
        ];
      },
    },
    membersOf: () => [],
    sections: {
      admin: async () => void seen.push("admin"),
      adopted: (_, moved) => void seen.push(`adopted moved=${moved}`),
    },
    events,
    clock: new FakeClock(),
    isStopping: () => stopping,
    ...overrides,
  });
  return { ...made, seen, emitted, stop, current: (): Plan => made.source.plan };
}

describe("createReloader()", () => {
  test("applies what changed: load, bind, switch, group, release, in this order", async () => {
    const { reload, seen, emitted } = await reloader();
    await read(
      base.replace("limit: 10", "limit: 20").replace("slow", "fast").concat("  mail: { module: ./a.ts }\n"),
    );
    const result = await reload(false);
    expect(seen).toEqual([
      "stage load=mail,jobs check=api",
      "bind api,jobs,mail",
      "commit",
      "adopt",
      "brokers",
      "adopted moved=",
      "group +mail - ~jobs =api",
      "release",
      "unused brokers",
      "close",
    ]);
    expect(result.outcome).toBe("done");
    expect(result.steps).toMatchObject([
      { subject: "mail", action: "add", outcome: "done" },
      { subject: "jobs", action: "replace", note: "env.MODE slow → fast" },
      { subject: "api", action: "reconfigure", note: "config.limit 10 → 20" },
    ]);
    expect(emitted).toEqual([{ type: "reloaded", changes: result.steps }]);
  });

  test("a second reload finds nothing to do, and leaves the group alone", async () => {
    const { reload, seen } = await reloader();
    await read(base.replace("slow", "fast"));
    await reload(false);
    seen.length = 0;
    expect(await reload(false)).toEqual({ outcome: "done", steps: [] });
    expect(seen.some((line) => line.startsWith("group"))).toBe(false);
  });

  test("refuses, also in a dry run, a file in which nobody is behind a socket of systemd any more", async () => {
    const listens = (name: string) => base.replace("port: 8080", `listen: "systemd:${name}", port: 8080`);
    const source = await read(listens("web"));
    const { reload, seen } = await reloader({ source });
    for (const yaml of [listens("other"), base, base.replace(/ {2}api.*\n/, "")]) {
      await read(yaml);
      for (const dryRun of [true, false]) {
        const { outcome, problems } = await reload(dryRun);
        expect([outcome, problems?.[0]?.code]).toEqual(["failed", "SOCKET_NOT_PASSED"]);
      }
    }
    expect(seen).toEqual([]);
    await read(listens("web").replace(/ {2}api:/, "  shop:"));
    expect((await reload(true)).outcome).toBe("done");
  });

  test("a dry run tells the steps and does nothing", async () => {
    const { reload, seen, emitted, current } = await reloader();
    await read(
      `log: { level: debug }\n${base.replace("limit: 10", "limit: 20").replace(/ {2}jobs.*\n/, "")}`,
    );
    expect((await reload(true)).steps).toEqual([
      {
        subject: "log",
        action: "reconfigure",
        outcome: "planned",
        durationMs: 0,
        note: "log.level info → debug",
      },
      {
        subject: "api",
        action: "reconfigure",
        outcome: "planned",
        durationMs: 0,
        note: "config.limit 10 → 20",
      },
      { subject: "jobs", action: "remove", outcome: "planned", durationMs: 0 },
    ]);
    expect(seen).toEqual([]);
    expect(emitted).toEqual([]);
    expect(current().services.length).toBe(2);
  });

  test("an invalid file changes nothing, and is told with its place", async () => {
    const { reload, seen, emitted, current } = await reloader();
    await read(base).then(() => folder.write("services.yaml", base.replace("config:", "confog:")));
    const result = await reload(false);
    expect(result).toMatchObject({ outcome: "failed", steps: [], problems: [{ code: "UNKNOWN_KEY" }] });
    expect(result.problems?.[0]?.message).toMatch(/services\.yaml:3:\d+ .*confog[\s\S]*\^/);
    expect(emitted).toMatchObject([{ type: "reloadFailed", problems: [{ code: "UNKNOWN_KEY" }] }]);
    expect(seen).toEqual([]);
    expect(current().services[0]?.config).toEqual({ limit: 10 });
  });

  test("code that cannot be loaded, and addresses that cannot be bound, change nothing", async () => {
    const refused = new ProblemsError([{ code: "ADDRESS_IN_USE", message: "taken", hint: "another" }]);
    const unloadable = { stage: () => Promise.reject(refused) } as unknown as Definitions;
    for (const overrides of [
      { definitions: unloadable },
      { http: { update: () => Promise.reject(refused) } },
    ]) {
      const { reload, seen, emitted, current } = await reloader(overrides);
      await read(base.replace("8080", "8090").replace("slow", "fast"));
      expect(await reload(false)).toMatchObject({
        outcome: "failed",
        problems: [{ code: "ADDRESS_IN_USE" }],
      });
      expect(emitted).toMatchObject([{ type: "reloadFailed" }]);
      expect(seen.some((line) => /^(adopt|group|commit)/.test(line))).toBe(false);
      expect(current().services[1]?.env).toEqual({ MODE: "slow" });
    }
  });

  test("another name is refused at its place", async () => {
    const { reload, seen } = await reloader();
    await read(base.replace("shop", "store"));
    const { problems } = await reload(false);
    expect(problems).toMatchObject([
      { code: "BAD_VALUE", message: expect.stringContaining("services.yaml:1:") },
    ]);
    expect(seen).toEqual([]);
  });

  test("an admin address that cannot be bound is a failed step; the rest is applied", async () => {
    const { reload } = await reloader({
      sections: {
        admin: () => Promise.reject(new SupervisorError("ADDRESS_IN_USE", "taken", "another")),
        adopted() {},
      },
    });
    await read(`admin: { listen: 127.0.0.1:7070 }\n${base.replace("slow", "fast")}`);
    const { outcome, steps } = await reload(false);
    expect(outcome).toBe("failed");
    expect(steps).toMatchObject([
      { subject: "admin", outcome: "failed", error: { code: "ADDRESS_IN_USE" } },
      { subject: "jobs", outcome: "done" },
    ]);
  });

  test("what failed is tried again by the next reload", async () => {
    const outcomes = ["failed", "done"] as const;
    let round = 0;
    const { reload } = await reloader({
      group: {
        update: async ({ changed }) => {
          const outcome = outcomes[round++] ?? "done";
          return changed.map((name) => ({ ...done(name, "replace"), outcome }));
        },
      },
    });
    await read(base.replace("slow", "fast"));
    expect((await reload(false)).outcome).toBe("failed");
    expect((await reload(false)).steps).toMatchObject([{ subject: "jobs", outcome: "done" }]);
    expect((await reload(false)).steps).toEqual([]);
  });

  test("an address moves without a new generation", async () => {
    const { reload, seen } = await reloader();
    await read(base.replace("8080", "8090"));
    const { steps } = await reload(false);
    expect(seen).toContain("adopted moved=api");
    expect(seen).toContain("group + - ~ =");
    expect(steps).toMatchObject([
      { subject: "api", action: "reconfigure", note: expect.stringContaining("8080 → ") },
    ]);
  });

  test("reloads come one after the other, each with the file as it is by then", async () => {
    const { reload, seen } = await reloader();
    await read(base.replace("slow", "fast"));
    const [first, second] = await Promise.all([reload(false), reload(false)]);
    expect([first.steps.length, second.steps.length]).toEqual([1, 0]);
    expect(seen.filter((line) => line.startsWith("group")).length).toBe(1);
  });

  test("is refused while the group stops", async () => {
    const { reload, seen, stop } = await reloader();
    stop();
    expect(await reload(false)).toMatchObject({ outcome: "failed", problems: [{ code: "STOPPING" }] });
    expect(seen).toEqual([]);
  });
});
