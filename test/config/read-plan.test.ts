import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join, relative } from "node:path";
import type { PlanSource } from "../../src/config/read-plan.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import {
  defaultHealth,
  defaultHttpLimits,
  defaultRestart,
  defaultShutdown,
  defaultStartTimeout,
} from "../../src/core/defaults.ts";
import type { Problem } from "../../src/core/problem.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { tempDir } from "../support/temp-dir.ts";

const minimal = "services:\n  a:\n    module: ./a.ts\n";

async function read(yaml: string, more: Readonly<Record<string, string>> = {}): Promise<PlanSource> {
  using project = tempDir({ "services.yaml": yaml, "a.ts": "export default {};\n", ...more });
  return await readPlan({ file: join(project.path, "services.yaml"), variables: {} });
}

async function problemsOf(yaml: string): Promise<readonly Problem[]> {
  try {
    await read(yaml);
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems;
    throw error;
  }
  return [];
}

describe("readPlan()", () => {
  test("gives the defaults that the library has too", async () => {
    const { plan } = await read(`${minimal}    http: { port: 8080 }\n`);
    const [service] = plan.services;
    expect(plan.shutdown).toEqual(defaultShutdown);
    expect(service?.restart).toEqual(defaultRestart);
    expect(service?.health).toEqual(defaultHealth);
    expect(service?.http?.limits).toEqual(defaultHttpLimits);
    expect(service?.startTimeout).toBe(defaultStartTimeout);
  });

  test("freezes the plan, however deep", async () => {
    const { plan } = await read(`admin: { listen: 127.0.0.1:6061 }
log: { level: debug }
defaults: { env: { D: 1 }, restart: { limit: 1 } }
services:
  a:
    module: ./a.ts
    config: { list: [{ deep: [1] }], map: { x: {} } }
    env: { A: 1 }
    depends_on: [b]
    restart: always
    http: { port: 1, tls: { cert: ./a.ts, key: ./a.ts }, limits: { body: 1 } }
  b: { module: ./a.ts, restart: { backoff: { min: 1s } }, http: { unix: ./b.sock } }
`);
    expect(unfrozen(plan, "plan")).toEqual([]);
  });

  test("takes a file relative to the working directory", async () => {
    using project = tempDir({ "services.yaml": minimal, "a.ts": "" });
    const file = relative(process.cwd(), join(project.path, "services.yaml"));
    const { plan } = await readPlan({ file, variables: {} });
    expect(plan.file).toBe(join(project.path, "services.yaml"));
    expect(plan.services[0]?.module).toBe(join(project.path, "a.ts"));
  });

  test("says that a file may not be read", async () => {
    using project = tempDir({ "services.yaml": minimal });
    const file = join(project.path, "services.yaml");
    chmodSync(file, 0);
    const reading = readPlan({ file, variables: {} });
    // root may read everything
    if (process.getuid?.() === 0) await expect(reading).rejects.toThrow("The module");
    else await expect(reading).rejects.toThrow("permission denied");
  });

  test("keeps a key called __proto__ an ordinary key", async () => {
    const { plan } = await read(`${minimal}    config: { __proto__: { polluted: true } }\n`);
    const config = plan.services[0]?.config as object;
    expect(Object.keys(config)).toEqual(["__proto__"]);
    expect("polluted" in config).toBe(false);
    expect((await problemsOf(`${minimal}    __proto__: 1\n`)).map((problem) => problem.code)).toEqual([
      "UNKNOWN_KEY",
    ]);
  });

  test("never puts a secret into a problem", async () => {
    using project = tempDir({ "a.ts": "", "credentials/key": "very-secret-credential" });
    const file = project.write(
      "services.yaml",
      ["PASS_WORD", "credential:key", "URL"]
        .map((name, index) => `  s${index}:\n    module: ./a.ts\n    start_timeout: \${${name}}\n`)
        .join("")
        .replace(/^/, "services:\n")
        .replace("PASS_WORD", "DB_PASSWORD"),
    );
    const secrets = {
      DB_PASSWORD: "very-secret-variable",
      URL: "postgres://me:very-secret-url@db/x",
      CREDENTIALS_DIRECTORY: join(project.path, "credentials"),
    };
    const error = await readPlan({ file, variables: secrets }).catch((thrown: unknown) => thrown);
    expect((error as ProblemsError).problems).toHaveLength(3);
    expect(JSON.stringify((error as ProblemsError).problems)).not.toContain("very-secret");
  });
});

describe("locate()", () => {
  const yaml = `defaults:
  restart: { limit: 3 }
services:
  a:
    module: ./a.ts
    config:
      db: { dsn: x }
      list: [one, two]
    depends_on: [b]
  b:
    module: ./a.ts
`;
  test.each([
    [["services", "a", "module"], 5, 13],
    [["services", "a", "config"], 6, 5],
    [["services", "a", "config", "db", "dsn"], 7, 18],
    [["services", "a", "config", "list", 1], 8, 19],
    // The longest prefix that is written.
    [["services", "a", "config", "db", "user", "name"], 7, 7],
    [["services", "a", "export"], 4, 3],
    // What a service inherits is written in `defaults`.
    [["services", "a", "restart", "limit"], 2, 21],
    [["services", "a", "restart", "within"], 2, 3],
  ])("finds %j", async (path, line, column) => {
    const { locate } = await read(yaml);
    expect(locate(path)).toMatchObject({ line, column });
  });

  test("finds nothing for what is written nowhere", async () => {
    const { locate } = await read(yaml);
    expect(locate(["shutdown", "timeout"])).toBeUndefined();
    expect(locate([])).toBeUndefined();
  });

  test("leads into the overlay that a value came from", async () => {
    using project = tempDir({
      "services.yaml": minimal,
      "services.x.yaml": `${minimal}    critical: false\n`,
      "a.ts": "",
    });
    const { locate } = await readPlan({ file: join(project.path, "services.yaml"), env: "x", variables: {} });
    expect(locate(["services", "a", "critical"])?.file).toBe(join(project.path, "services.x.yaml"));
  });
});

describe("hostile files are refused at once", () => {
  const deep = 100_000;
  test.each([
    ["brackets", `${minimal}    config: ${"[".repeat(deep)}`],
    ["closed brackets", `${minimal}    config: ${"[".repeat(deep)}${"]".repeat(deep)}`],
    ["braces", `${minimal}    config: ${"{a: ".repeat(deep)}`],
    ["lists in lists", `services:\n  ${"- ".repeat(deep)}`],
    ["keys in keys", "? ".repeat(deep)],
    ["a little too deep", `${minimal}    config: ${"[".repeat(150)}${"]".repeat(150)}`],
    ["very large", `# ${"x".repeat(5_000_000)}\n${minimal}`],
    ["aliases of aliases", aliases(12)],
    ["merges of merges", merges(25)],
  ])("%s", async (_name, yaml) => {
    // The runner's own limit of five seconds is what "at once" means here: unrefused, these take minutes.
    const problems = await problemsOf(yaml);
    expect(problems.map((problem) => problem.code)).toEqual(["YAML_SYNTAX"]);
  });

  test("defaults nested in defaults", async () => {
    const nested = "${A:-".repeat(100_000) + "}".repeat(100_000);
    const problems = await problemsOf(`${minimal}    config: "${nested}"\n`);
    expect(problems.map((problem) => problem.message)).toEqual(["Defaults are nested more than 10 deep"]);
  });
});

function unfrozen(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => unfrozen(item, `${path}.${key}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

function aliases(levels: number): string {
  const lines = ["x-0: &n0 [a, b, c, d, e, f, g, h, i, j]"];
  for (let level = 1; level < levels; level++) {
    lines.push(`x-${level}: &n${level} [${Array.from({ length: 10 }, () => `*n${level - 1}`).join(", ")}]`);
  }
  return `${lines.join("\n")}\n${minimal}    config: *n${levels - 1}\n`;
}

function merges(levels: number): string {
  const lines = ["x-0: &n0 { a: { b: c } }"];
  for (let level = 1; level < levels; level++) {
    lines.push(`x-${level}: &n${level} { l: *n${level - 1}, r: *n${level - 1}, <<: [*n${level - 1}, *n0] }`);
  }
  return `${lines.join("\n")}\n${minimal}    config: *n${levels - 1}\n`;
}
