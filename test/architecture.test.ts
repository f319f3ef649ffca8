import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImportTable } from "./support/architecture.ts";
import { badNames, forbiddenImports, importCycles, importsOf, runtimeNames } from "./support/architecture.ts";

const runtimeType = "runtime/runtime.ts";
const folders = [
  "core",
  "service",
  "runtime",
  "config",
  "modules",
  "group",
  "host",
  "http",
  "control",
  "observe",
];
const composition = [
  "supervise.ts",
  "members.ts",
  "library.ts",
  "process.ts",
  "commander.ts",
  "inject.ts",
  "code-of-start.ts",
  "plan-log.ts",
  "wire-operator.ts",
  "live.ts",
  "workers.ts",
  "brokers.ts",
  "intakes.ts",
  "brokerage.ts",
  "queue-access.ts",
];

/** Who may import whom, below src/. Config knows names, group knows services; group emits, others listen. */
const table: ImportTable = {
  core: [],
  service: ["core"],
  runtime: ["core"],
  config: ["core", runtimeType],
  modules: ["core", "service", runtimeType],
  group: ["core", "service"],
  // The socket that a service is given is the same on every runtime and thread: only what is below it differs.
  host: ["core", "service", "group/host.ts", runtimeType, "runtime/service-socket.ts"],
  http: ["core", "service", runtimeType],
  // A driver knows its contract and nothing of what consumes; what consumes knows no driver.
  "queue/drivers": ["core", "queue/driver.ts", runtimeType],
  queue: ["core", "service"],
  schedule: ["core", "service"],
  control: ["core", runtimeType],
  observe: ["core", "service/scope.ts", runtimeType],
  // It only looks: what it looks at is handed to it, so that nothing it imports could run a module.
  doctor: ["core"],
  // What goes into an executable; it runs nothing of it.
  seal: ["core", "config", "doctor", "runtime"],
  "sealing.ts": ["core", "runtime", "seal"],
  "operator.ts": ["core", "control", "operator-plane.ts"],
  // What is said to systemd, and what of it is heard; who sends it is up to the two threads.
  systemd: ["core"],
  "systemd-link.ts": ["core", "runtime", "systemd"],
  // What a unit is made of: a plan as it will be under systemd.
  "unit-source.ts": ["core", "config"],
  "operator-notices.ts": ["core", "systemd", "systemd-link.ts"],
  "operator-plane.ts": [
    "core",
    "control",
    "observe",
    "runtime",
    "operator-watch.ts",
    "operator-notices.ts",
    "systemd-link.ts",
  ],
  "operator-watch.ts": ["core", "control", "observe", "runtime"],
  // The other end of `host/worker.ts`: what compose.ts is to the process, for a thread with one service in it.
  "worker.ts": ["host", "isolated.ts"],
  "isolated.ts": [
    "core",
    "service",
    "host",
    "group/host.ts",
    "modules",
    "observe",
    "runtime",
    "library.ts",
    "isolated-work.ts",
  ],
  "brokerage.ts": ["core", "brokers.ts", "intakes.ts", "work-feed.ts"],
  "work-feed.ts": ["core"],
  "isolated-work.ts": ["core", "host", "brokers.ts", "intakes.ts"],
  "workers.ts": ["core", "host", "group/host.ts", "modules"],
  "compose.ts": [...folders, ...composition, "schedule/cron.ts", "systemd", "systemd-link.ts"],
  "supervise.ts": [...folders, ...composition],
  "members.ts": [...folders, "workers.ts", "brokers.ts", "intakes.ts"],
  // Loads what a plan with queues needs, and nothing of it for any other.
  "brokers.ts": ["core", "service", "queue"],
  "intakes.ts": ["core", "service", "queue", "schedule", "brokers.ts"],
  "process.ts": folders,
  "commander.ts": ["core"],
  "inject.ts": ["core"],
  "code-of-start.ts": ["core", runtimeType],
  "plan-log.ts": ["core", "control", "observe"],
  "wire-operator.ts": ["core", "control", "group", "plan-log.ts"],
  "live.ts": [...folders, "reload.ts", "watch.ts", "watch-files.ts"],
  "reload.ts": folders,
  "watch.ts": ["core", "modules"],
  "watch-files.ts": [runtimeType, "watch.ts"],
  // What compose.ts is to running a file, for looking at one: apart from it, so that starting loads nothing of it.
  "examine.ts": ["config", "control", "core", "doctor", "runtime", "library.ts", "schedule/cron.ts"],
  "service-group.ts": [...folders, ...composition],
  "library.ts": ["core", "service", "service-group.ts"],
  "mod.ts": ["core", "service", "service-group.ts"],
  "queue-access.ts": [
    "core",
    "queue/driver.ts",
    "queue/operate.ts",
    "schedule/stored-schedule.ts",
    "brokers.ts",
  ],
  // What compose.ts is to running a file, for one command that goes straight to its brokers.
  "offline.ts": ["core", "brokers.ts", "queue-access.ts"],
  cli: [
    "core",
    "compose.ts",
    "config/read-plan.ts",
    "config/json-schema.ts",
    "control/client.ts",
    "config/read-name.ts",
    "control/find-instance.ts",
    "control/ask-health.ts",
    "control/queue-call.ts",
    "control/status.ts",
    "examine.ts",
    "offline.ts",
    "systemd",
    "unit-source.ts",
    "sealing.ts",
    "doctor/render-findings.ts",
    "schedule/cron.ts",
  ],
  "main.ts": ["cli"],
};

const root = join(import.meta.dir, "..");
const filesIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.m?ts$/.test(path),
  );
const sources = filesIn("src").map((path) => ({ path, text: readFileSync(join(root, "src", path), "utf8") }));

describe("the source", () => {
  test("imports only what the table allows", () => {
    expect(forbiddenImports(sources, table)).toEqual([]);
  });

  test("has no import cycles", () => {
    expect(importCycles(sources)).toEqual([]);
  });

  test("names Bun and Deno only in runtime/", () => {
    expect(runtimeNames(sources)).toEqual([]);
  });

  test("imports only files that exist", () => {
    const paths = new Set(sources.map((source) => source.path));
    const missing = sources.flatMap((source) => importsOf(source).filter((target) => !paths.has(target)));
    expect(missing).toEqual([]);
  });

  test("has file names that are kebab-case and say something, tests too", () => {
    expect(badNames([...filesIn("src"), ...filesIn("test"), ...filesIn("scripts")])).toEqual([]);
  });
});

describe("the checker", () => {
  const file = (path: string, text: string) => ({ path, text });
  const small: ImportTable = { core: [], group: ["core"], "main.ts": ["group/group.ts"] };

  test("forbiddenImports() finds static, type and dynamic imports that no row allows", () => {
    const files = [
      file("core/a.ts", `import { b } from "../group/b.ts";\n`),
      file("group/b.ts", `import type { A } from "../core/a.ts";\nexport type * from "../main.ts";\n`),
      file("group/c.ts", `const load = () => import("../main.ts");\nimport "./b.ts";\n`),
      file("main.ts", `import { g } from "./group/group.ts";\nimport { b } from "./group/b.ts";\n`),
    ];
    expect(forbiddenImports(files, small)).toEqual([
      "core/a.ts may not import group/b.ts",
      "group/b.ts may not import main.ts",
      "group/c.ts may not import main.ts",
      "main.ts may not import group/b.ts",
    ]);
  });

  test("forbiddenImports() demands a row for every file, and one is not inherited from a file", () => {
    expect(forbiddenImports([file("main.test/x.ts", "")], small)).toEqual([
      "main.test/x.ts: the import table has no row for it",
    ]);
  });

  test("forbiddenImports() reads an import over several lines and none in a comment", () => {
    const files = [
      file("core/a.ts", `import {\n  b,\n  c,\n} from "../group/b.ts";`),
      file(
        "core/b.ts",
        `// import { b } from "../group/b.ts";\n/* import("../group/b.ts") */ const url = "http://x";`,
      ),
    ];
    expect(forbiddenImports(files, small)).toEqual(["core/a.ts may not import group/b.ts"]);
  });

  test("importCycles() names a circle through several files once, type imports included", () => {
    const files = [
      file("core/a.ts", `import { b } from "./b.ts";`),
      file("core/b.ts", `import type { C } from "./c.ts";`),
      file("core/c.ts", `const a = () => import("./a.ts");`),
      file("core/d.ts", `import { a } from "./a.ts";`),
    ];
    expect(importCycles(files)).toEqual(["core/a.ts → core/b.ts → core/c.ts → core/a.ts"]);
  });

  test("runtimeNames() finds Bun and Deno in code, not in comments", () => {
    const files = [
      file("core/a.ts", `Bun.serve({});`),
      file("core/b.ts", `import { dlopen } from "bun:ffi";`),
      file("core/c.ts", `const x = globalThis.Deno.version;`),
      file("core/d.ts", `// Bun.serve and Deno.serve differ here\n/** Deno.serve */`),
      file("runtime/bun.ts", `Bun.serve({});`),
      file("runtime/server-deno.ts", `Deno.serve({});`),
      file("runtime/deno.ts", `Bun.serve({});`),
    ];
    expect(runtimeNames(files)).toEqual([
      "core/a.ts names Bun",
      "core/b.ts names Bun",
      "core/c.ts names Deno",
      "runtime/deno.ts names Bun",
    ]);
  });

  test("badNames() refuses other cases and words that say nothing", () => {
    const names = [
      "core/stop-ladder.ts",
      "core/stopLadder.ts",
      "core/utils.ts",
      "helpers/a.ts",
      "core/a_b.ts",
      "a.test.ts",
    ];
    expect(badNames(names)).toEqual(["core/stopLadder.ts", "core/utils.ts", "helpers/a.ts", "core/a_b.ts"]);
  });
});
