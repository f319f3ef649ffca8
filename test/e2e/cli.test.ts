import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { commandNames, firstWords } from "../../src/cli/table.ts";
import type { Problem } from "../../src/core/problem.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const shop = {
  "services.yaml": `name: shop
shutdown: { timeout: 20s, delay: 1s }
services:
  web:
    module: ./service.ts
    depends_on: { api: ready, migrate: completed }
    stop_timeout: 3s
  api: { module: ./service.ts, depends_on: [migrate] }
  migrate: { module: ./service.ts }
`,
  "service.ts": "export default { start() {} };\n",
};
const json = /^\{[\s\S]*\}\n$/;

describeTargets("the command line", (target) => {
  const run = (args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) =>
    runSupervisorCli(target, args, options);

  test("help names every command", async () => {
    const { code, stdout, stderr } = await run(["help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const word of firstWords) expect(stdout).toMatch(new RegExp(`^  ${word} `, "m"));
  });

  test("every command has a help with usage and example", async () => {
    const helps = await Promise.all(commandNames.map((name) => run([...name.split(" "), "--help"])));
    helps.forEach(({ code, stdout }, index) => {
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: supervisor ${commandNames[index]}`);
      expect(stdout).toMatch(/Example\n {2}supervisor /);
    });
  });

  test("a group names its commands, asked for with help, and as a usage error alone", async () => {
    const asked = await run(["task", "--help"]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    for (const name of commandNames.filter((one) => one.startsWith("task "))) {
      expect(asked.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    }
    expect((await run(["help", "task"])).stdout).toBe(asked.stdout);
    expect(await run(["task"])).toMatchObject({ code: 64, stdout: "", stderr: asked.stdout });
    expect((await run(["task", "retyr"])).stderr).toContain('Did you mean "task retry"?');
  });

  test("no command at all is a usage error that shows the help", async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain("Commands");
  });

  test("an unknown command exits 64 and suggests the nearest", async () => {
    const { code, stdout, stderr } = await run(["chekc"]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toStartWith(
      'supervisor: unknown command "chekc". Did you mean "check"?\nUsage: supervisor ',
    );
  });

  test("an unknown option exits 64 and suggests the nearest, with the command's usage", async () => {
    const { code, stderr } = await run(["run", "--stop-reprot", "x.json"]);
    expect(code).toBe(64);
    expect(stderr).toContain('unknown option "--stop-reprot" for run. Did you mean "--stop-report"?');
    expect(stderr).toContain(
      "Usage: supervisor run [services.yaml] [NAME…] [--env NAME] [--watch] [--stop-report FILE]",
    );
  });

  test("a surplus argument exits 64", async () => {
    const { code, stderr } = await run(["version", "now"]);
    expect(code).toBe(64);
    expect(stderr).toContain('"now" is one argument too many for version');
  });

  test("a missing file exits 78, nothing on stdout", async () => {
    using empty = tempDir();
    const { code, stdout, stderr } = await run(["run"], { cwd: empty.path });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain("CONFIG_NOT_FOUND");
    expect(stderr).toContain("services.yaml");
  });

  test("plan prints the start order, the stop ladder and the budget", async () => {
    using project = tempDir(shop);
    const { code, stdout } = await run(["plan"], { cwd: project.path });
    expect(code).toBe(0);
    expect(stdout).toBe(`START  SERVICE  STARTS AFTER
1      migrate  -
2      api      migrate (ready)
3      web      api (ready), migrate (completed)

STOP  SERVICE  STOPS AFTER  STOPS BEFORE  DEADLINE  AT LEAST  LATEST END
1     web      -            api           3s        3s        4s
2     api      web          migrate       10s       7.8s      11.8s
3     migrate  api          -             10s       7.8s      19.5s

Budget: 20s = 1s delay + 18.5s for the services, one after the other + 500ms closing
`);
  });

  test("plan --json carries the same in milliseconds", async () => {
    using project = tempDir(shop);
    const { stdout } = await run(["plan", join(project.path, "services.yaml"), "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      name: "shop",
      file: join(project.path, "services.yaml"),
      start: [{ service: "migrate", wave: 1 }, { service: "api" }, { service: "web" }],
      stop: [
        { service: "web", after: [], before: ["api"], deadlineMs: 3000, atLeastMs: 3000 },
        { service: "api", after: ["web"], before: ["migrate"] },
        { service: "migrate", after: ["api"], before: [], latestEndMs: 19500 },
      ],
      budgetMs: 20000,
      delayMs: 1000,
      closingMs: 500,
      order: "reverse",
    });
  });

  test("plan reads the overlay and takes names with what they need", async () => {
    using project = tempDir({ ...shop, "services.prod.yaml": "shutdown: { timeout: 10s }\n" });
    const { stdout } = await run(["plan", "api", "--env", "prod"], { cwd: project.path });
    expect(stdout).toContain("Budget: 10s");
    expect(stdout).toContain("migrate");
    expect(stdout).not.toContain("web");
  });

  test("graph labels every dependency with its condition, in three formats", async () => {
    using project = tempDir(shop);
    const [text, mermaid, dot] = await Promise.all(
      [[], ["--format", "mermaid"], ["--format=dot"]].map((format) =>
        run(["graph", ...format], { cwd: project.path }),
      ),
    );
    expect(text?.stdout).toBe(`migrate
api      after migrate (ready)
web      after api (ready), migrate (completed)
`);
    expect(mermaid?.stdout).toStartWith('flowchart LR\n  s0["web"]\n');
    expect(mermaid?.stdout).toContain("  s0 -->|completed| s2\n");
    expect(dot?.stdout).toStartWith('digraph "shop" {\n');
    expect(dot?.stdout).toContain('  "api" -> "migrate" [label="ready"];\n');
  });

  test("schema prints the schema that is checked in", async () => {
    const { code, stdout } = await run(["schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(
      JSON.parse(readFileSync(join(import.meta.dir, "../../services.schema.json"), "utf8")),
    );
  });

  test("version names the runtime it runs on", async () => {
    const { stdout } = await run(["version", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      version: JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")).version,
      commit: target.name === "binary" ? expect.stringMatching(/^([0-9a-f]{12}\+?|unknown)$/) : "source",
      runtime: {
        name: target.name === "deno" ? "deno" : "bun",
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      },
      platform: process.platform,
      arch: process.arch,
    });
    expect((await run(["--version"])).stdout).toStartWith("supervisor ");
  });

  test("check says what is valid without starting it", async () => {
    using project = tempDir({
      ...shop,
      "service.ts": 'export default { start() { console.log("started"); }, run() {} };\n',
    });
    expect(await run(["check"], { cwd: project.path })).toEqual({
      code: 0,
      signal: null,
      stdout: "services.yaml is valid: 3 services (web, api, migrate)\n",
      stderr: "",
    });
    const { stdout } = await run(["check", "--json"], { cwd: project.path });
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      name: "shop",
      services: [{ name: "web" }, {}, {}],
    });
  });

  test("check, doctor, plan and graph say which credentials they have not looked at; run refuses", async () => {
    using project = tempDir({
      "services.yaml":
        'admin: { listen: "0.0.0.0:0", token: "${credential:token}" }\nservices: { a: { module: ./a.ts, config: { key: "${credential:key}" } } }\n',
      "a.ts": "export default { start() {} };\n",
    });
    const env = { CREDENTIALS_DIRECTORY: "" };
    const said = (name: string) =>
      `the credential "${name}" was not looked at: it is there only under systemd`;
    for (const [command, stream] of [
      ["check", "stdout"],
      ["plan", "stderr"],
      ["graph", "stderr"],
    ] as const) {
      const done = await run([command], { cwd: project.path, env });
      expect(done.code).toBe(0);
      expect(done[stream]).toContain(said("token"));
      expect(done[stream]).toContain(said("key"));
      expect(done.stdout).not.toContain("admin.token is not set");
    }
    const doctor = await run(["doctor"], { cwd: project.path, env });
    expect(doctor.stdout).toContain('info CREDENTIAL_UNREAD  The credential "key" was not looked at');
    expect(doctor.code).toBe(0);
    const refused = await run(["run"], { cwd: project.path, env });
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain('Credential "key" cannot be read');
  });

  test("check reports every problem at once, with its place, and exits 78", async () => {
    using project = tempDir({
      "services.yaml":
        "name: shop\nservices:\n  web: { modul: ./a.ts }\n  api: { module: ./b.ts, depends_on: [dbx] }\n",
    });
    const { code, stdout, stderr } = await run(["check"], { cwd: project.path });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain("services.yaml:3:10");
    expect(stderr).toContain("UNKNOWN_KEY");
    expect(stderr).toContain("UNKNOWN_SERVICE");
  });

  test("check loads the modules: one that throws is a problem", async () => {
    using project = tempDir({ ...shop, "service.ts": 'throw new Error("no luck");\n' });
    const { code, stderr } = await run(["check"], { cwd: project.path });
    expect(code).toBe(78);
    expect(stderr).toContain("MODULE_THREW");
    expect(stderr).toContain("no luck");
  });

  test("check --json prints problems as JSON on stdout, with the same exit code", async () => {
    using project = tempDir({ "services.yaml": "name: shop\nservices:\n  web: { modul: ./a.ts }\n" });
    const { code, stdout, stderr } = await run(["check", "--json"], { cwd: project.path });
    expect({ code, stderr }).toEqual({ code: 78, stderr: "" });
    expect(stdout).toMatch(json);
    expect(JSON.parse(stdout).problems).toContainEqual(
      expect.objectContaining({
        code: "UNKNOWN_KEY",
        position: expect.objectContaining({ line: 3, column: 10 }),
      }),
    );
  });

  test("check shows what is wrong with the file and with the modules in one run, each thing once", async () => {
    using project = tempDir({
      "services.yaml": `name: shop
shutdown: { timeout: never }
services:
  typo: { module: ./syntax.ts, restrat: always }
  port: { module: ./throws.ts, http: { port: many } }
  gone: { module: ./absent.ts }
  unset: { module: ./strict.ts, config: { key: "\${NO_SUCH_KEY}" } }
  strict: { module: ./strict.ts }
  fine: { module: ./fine.ts }
`,
      "syntax.ts": "export default { start() { const = 1 } };\n",
      "throws.ts": 'throw new Error("no database");\n',
      "fine.ts": "export default { start() {} };\n",
      "strict.ts": `export const config = { "~standard": { validate: (value) =>
  value.key ? { value } : { issues: [{ message: "key is required", path: ["key"] }] } } };
export default { start() {} };
`,
    });
    const env = { NO_SUCH_KEY: undefined };
    const { code, stdout } = await runSupervisorCli(target, ["check", "--json"], { cwd: project.path, env });
    expect(code).toBe(78);
    const { problems } = JSON.parse(stdout);
    const places = problems.map(({ code, position }: Problem) => {
      return `${position && basename(position.file)}:${position?.line} ${code}`;
    });
    expect(places).toEqual([
      "services.yaml:2 BAD_VALUE",
      "services.yaml:4 UNKNOWN_KEY",
      "services.yaml:5 WRONG_TYPE",
      "services.yaml:6 MODULE_NOT_FOUND",
      "services.yaml:7 UNSET_VARIABLE",
      "services.yaml:8 BAD_CONFIG",
      "syntax.ts:1 MODULE_SYNTAX",
      "throws.ts:1 MODULE_THREW",
    ]);
  });

  test("colors come with FORCE_COLOR only when the output is no terminal", async () => {
    expect((await run(["help"])).stdout).not.toContain("\u001b[");
    expect((await run(["help"], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[1m");
  });

  test("a stop report that could not be written is refused before anything starts, exit 64", async () => {
    using folder = tempDir({ "services.yaml": "services: { a: { module: ./a.ts } }", "a.ts": "throw 1" });
    const refused = await run(["run", "--stop-report", "absent/report.json"], { cwd: folder.path });
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 64, stdout: "" });
    expect(refused.stderr).toBe(
      "supervisor: Cannot write the stop report to absent/report.json: its folder does not exist (FILE_UNWRITABLE). " +
        "Make the folder first, or name a file in one that exists.\n",
    );
    const inTheWay = await run(["run", "--stop-report", "."], { cwd: folder.path });
    expect(inTheWay.code).toBe(64);
    expect(inTheWay.stderr).toContain("it is a folder (FILE_UNWRITABLE)");
    expect(readdirSync(folder.path).toSorted()).toEqual(["a.ts", "services.yaml"]);
  });
});
