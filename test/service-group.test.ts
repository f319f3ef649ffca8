import { describe, expect, test } from "bun:test";
import { ProblemsError } from "../src/core/problem.ts";
import type { Service } from "../src/service/contract.ts";
import { withStart, withStarter } from "../src/service/define.ts";
import type { AddOptions, GroupSettings } from "../src/service-group.ts";
import { ServiceGroup } from "../src/service-group.ts";

const ok: Service = { start() {}, fetch: () => new Response("ok") };

/** What is wrong with a group of these services; it must never start. */
async function problemsOf(
  services: Readonly<Record<string, AddOptions>>,
  shutdown: NonNullable<GroupSettings["shutdown"]> = {},
): Promise<string[]> {
  const group = new ServiceGroup({ signals: false, shutdown });
  for (const [name, options] of Object.entries(services)) group.add(ok, { name, ...options });
  const error = await group.start().catch((reason: unknown) => reason);
  if (!(error instanceof ProblemsError)) throw new Error(`no problems: ${error}`);
  return error.problems.map(({ code, message, hint }) => `${code} ${message} | ${hint}`);
}

describe("ServiceGroup.start() rejects, as a services.yaml is refused, with", () => {
  test("services that depend on each other in a circle, or on themselves", async () => {
    expect(
      await problemsOf({ a: { dependsOn: ["b"] }, b: { dependsOn: ["a"] }, c: { dependsOn: ["c"] } }),
    ).toEqual([
      'DEPENDENCY_CYCLE Service "c" depends on itself | Remove it from its own depends_on.',
      "DEPENDENCY_CYCLE Services depend on each other in a circle: a → b → a | Remove one of these dependencies: none of the services could start first.",
    ]);
  });

  test("services that wait for the completion of one that starts again each time", async () => {
    const [problem, ...others] = await problemsOf({
      a: { restart: { policy: "always" } },
      b: { dependsOn: { a: "completed" } },
      c: { dependsOn: { a: "ready" } },
    });
    expect(problem).toStartWith('BAD_VALUE Service "b" waits until "a" is completed, but that starts again');
    expect(others).toEqual([]);
  });

  test("services that claim the same port and path, or the port on different hosts", async () => {
    const http = { port: 8080 };
    expect(
      await problemsOf({
        a: { http },
        b: { http },
        c: { http: { ...http, host: "0.0.0.0" } },
        d: { http: { ...http, path: "/d" } },
      }),
    ).toEqual([
      'DUPLICATE_ADDRESS Service "b" claims path / on port 8080, as service "a" does | Give one of them another port, path or hostname.',
      'DUPLICATE_ADDRESS Service "c" wants 0.0.0.0:8080, but service "a" has 127.0.0.1:8080 | Services on one port share one listener: give them the same host, or another port.',
    ]);
  });

  test("deadlines that are longer than the budget", async () => {
    const [problem, ...others] = await problemsOf(
      { a: { stopTimeout: "5s" }, b: { stopTimeout: "5s" } },
      { timeout: "2s" },
    );
    expect(problem).toStartWith("BUDGET_EXCEEDED The stop deadlines add up to 10.1s");
    expect(problem).toEndWith("or raise shutdown.timeout to 10.5s.");
    expect(others).toEqual([]);
  });
});

describe("ServiceGroup.add()", () => {
  test("refuses a name that a services.yaml could not have", () => {
    expect(() => new ServiceGroup().add(ok, { name: "a b/c" })).toThrow(
      '"a b/c" cannot be the name of a service',
    );
    expect(() => new ServiceGroup().add({ ...ok, name: "x-a" } as Service)).toThrow("begins with x-");
  });

  test("numbers a service whose class or function has a name that is none for a service", async () => {
    const group = new ServiceGroup({ signals: false, log: { level: "error" } });
    group.add((() => ok).bind(undefined)).add(
      class $ {
        start() {}
      },
    );
    const exitCode = process.exitCode;
    const { services } = await group.stop();
    process.exitCode = exitCode ?? 0;
    expect(services.map(({ service }) => service).sort()).toEqual(["service-1", "service-2"]);
  });

  test("refuses what is no service, saying what was found", () => {
    const add = (service: unknown) => () => new ServiceGroup().add(service as Service);
    expect(add(undefined)).toThrow('"service-1" is not a service: found undefined');
    expect(add({ strat() {} })).toThrow('"service-1" is not a service: found an object with strat');
  });
});

/** What is wrong with these options, which nobody's editor has checked. */
function refusedBy(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (error instanceof ProblemsError)
      return error.problems.map(({ message, hint }) => `${message} | ${hint}`);
    throw error;
  }
  throw new Error("nothing is refused");
}

describe("options that are wrong", () => {
  const add = (options: object) => refusedBy(() => new ServiceGroup().add(ok, { name: "a", ...options }));
  const group = (settings: object) => refusedBy(() => new ServiceGroup(settings));

  test.each([
    [
      { startTimeout: -5 },
      "startTimeout",
      "a duration such as 2m, not the number -5 | It must be 1 ms or longer.",
    ],
    [
      { stopTimeout: Number.NaN },
      "stopTimeout",
      'a duration such as 5s, not the number NaN | Give milliseconds, or text like "5s".',
    ],
    [
      { stopTimeout: Number.POSITIVE_INFINITY },
      "stopTimeout",
      "a duration such as 5s, not the number Infinity | It must be 87600h (ten years) or shorter.",
    ],
    [
      { startTimeout: "5" },
      "startTimeout",
      'a duration such as 2m, not "5" | Give milliseconds, or text like "2m".',
    ],
    [
      { dependsOn: { b: "redy" } },
      "dependsOn.b",
      'started, ready or completed, not "redy" | Did you mean "ready"?',
    ],
    [
      { restart: { limit: -1 } },
      "restart.limit",
      "a whole number, at least 0, not the number -1 | For example: 3",
    ],
    [{ restart: "nevr" }, "restart", 'on-failure, always or never, not "nevr" | Did you mean "never"?'],
    [
      { http: { port: 99_999 } },
      "http.port",
      "a whole number from 0 to 65535, not the number 99999 | For example: 8080",
    ],
    [{ critical: "no" }, "critical", 'true or false, not "no" | For example: false'],
  ])("of add() are refused: %p", (options, name, rest) => {
    expect(add(options)).toEqual([`Option "${name}" of service "a" must be ${rest}`]);
  });

  test("of the group are refused, all of them at once", () => {
    expect(group({ shutdwn: 1, shutdown: { delay: "soon", order: "both" }, admin: {}, signals: 1 })).toEqual([
      'There is no option "shutdwn" of the group | Did you mean "shutdown"? Known here: name, admin, log, shutdown, signals.',
      'Option "shutdown.delay" of the group must be a duration such as 5s, not "soon" | Give milliseconds, or text like "5s".',
      'Option "shutdown.order" of the group must be reverse or graph, not "both" | For example: graph',
      'Option "admin.port" of the group must be a whole number from 0 to 65535, not undefined | For example: 8080',
      'Option "signals" of the group must be true or false, not the number 1 | For example: false',
    ]);
  });
});

describe("ServiceGroup.start()", () => {
  const settings: GroupSettings = { signals: false, log: { level: "error" } };
  const broken: Service = { start: () => Promise.reject(new Error("broken")) };

  test("takes a bare name as a dependency and a bare word as a policy, and keeps a failure of another group", async () => {
    const before = process.exitCode;
    const seen: string[] = [];
    const note = (name: string): Service => ({ start: () => void seen.push(name), run: async () => {} });
    const first = new ServiceGroup(settings).add(note("a"), { name: "a", dependsOn: "b" });
    expect((await first.add(note("b"), { name: "b" }).start()).outcome).toBe("clean");
    const failing = new ServiceGroup(settings).add(broken, { name: "c", restart: "never" });
    expect((await failing.start()).cause).toMatchObject({ tag: "failure", service: "c" });
    await new ServiceGroup(settings).add(note("d"), { name: "d" }).start();
    const after = process.exitCode;
    process.exitCode = before ?? 0;
    expect(seen).toEqual(["b", "a", "d"]);
    expect(after).toBe(70);
  });
});

test("withStart() and withStarter() refuse what cannot be called", () => {
  const wrong = (value: unknown) => value as never;
  expect(() => withStart(wrong(null))).toThrow("withStart() wants a function (ctx) => …, and got null");
  expect(() => withStarter(wrong({}))).toThrow("withStarter() wants an object with start(), and got object");
});
