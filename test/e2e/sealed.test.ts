import { afterAll, describe, expect, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { inRoot, makeEmptyRoot, noEmptyRoot } from "../support/empty-root.ts";
import { lacksSmallDisk, onSmallDisk } from "../support/small-disk.ts";
import { freshBinary, runSupervisorCli, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const yaml = `name: sealed
admin: { listen: "127.0.0.1:0" }
brokers: { main: "sqlite:./data/queue.db" }
services:
  web:
    module: ./services/web.ts
    http: { port: 0 }
    config: { greeting: "\${GREETING:-hello}" }
  thread: { module: ./services/thread.ts, isolation: worker, http: { port: 0 } }
  jobs: { module: ./services/jobs.ts, consume: { queue: jobs } }
`;
const own = ["PermanentError", "ServiceGroup", "withStart"];
const files = {
  "services.yaml": yaml,
  "services.prod.yaml": "services: { web: { config: { greeting: good day } } }\n",
  "services/web.ts": `import { greet } from "../shared/greet.ts";
import { PermanentError, ServiceGroup, withStart } from "supervisor";
import { pad } from "left";
enum Kind { Web = "web" }
export default (ctx: { config: { greeting: string }; queue: Function }) => ({
  fetch: async (request: Request) => {
    if (new URL(request.url).pathname === "/enqueue") await ctx.queue().enqueue("job", 1, { queue: "jobs" });
    if (new URL(request.url).pathname === "/env") return new Response(process.env.NODE_ENV);
    if (new URL(request.url).pathname === "/timer") setTimeout(() => { throw new Error("late"); }, 1);
    const own = [PermanentError, ServiceGroup, withStart].map(({ name }) => name);
    return Response.json([pad(greet(ctx.config.greeting)), Kind.Web, ...own]);
  },
});
`,
  "services/thread.ts": `import { greet } from "../shared/greet.ts";
export default { fetch: () => new Response(greet("thread")) };
`,
  "services/jobs.ts": `export default { consume: () => console.log("a job was done") };\n`,
  "shared/greet.ts": `export const greet = (whom: string): string => whom + "!";\n`,
  "node_modules/left/package.json": `{ "name": "left", "version": "1.2.3", "license": "MIT", "exports": "./index.js" }`,
  "node_modules/left/index.js": `export const pad = (text) => " " + text;\n`,
};

const scratch = tempDir();
afterAll(() => scratch[Symbol.dispose]());

/** A copy: the kit inside must not change when somebody builds the binary anew meanwhile. */
const supervisor = join(scratch.path, "supervisor");
cpSync(freshBinary(), supervisor);

/** Nothing of this machine but the file: no PATH on which a Bun could be found. */
function build(folder: string, outfile: string, ...more: string[]) {
  const env = { TMPDIR: scratch.path };
  return spawnSync(supervisor, ["build", "services.yaml", "-o", outfile, ...more], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
}

let built: string | undefined;

function app(): string {
  if (built === undefined) {
    using project = tempDir(files);
    built = join(scratch.path, "app");
    const { status, stderr } = build(project.path, built);
    if (status !== 0) throw new Error(stderr);
  }
  return built;
}

/** Starts a command that runs until it is told to stop; resolves when its services are ready. */
async function start(command: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), {
    cwd,
    env: { PATH: process.env.PATH, TMPDIR: "/tmp", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of [...waiting]) look();
    });
  }
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match) resolve(match);
      };
      waiting.add(look);
      look();
      void exit.then((code) => reject(new Error(`exit ${code}: ${output}`)));
    });
  await until(/all 3 services ready/).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const url = async (service: string) =>
    (await until(new RegExp(`"msg":"ready","service":"${service}".*?"url":"([^"]+)"`)))[1] as string;
  return {
    until,
    url,
    stop() {
      child.kill("SIGTERM");
      return exit;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

const run = (...args: string[]) =>
  spawnSync(app(), args, { cwd: scratch.path, env: { TMPDIR: scratch.path }, encoding: "utf8" });

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

describe("a sealed executable", () => {
  test("is run without arguments, with overlays and variables of its time, threads and the queue", async () => {
    using folder = tempDir();
    const env = { GREETING: "moin", NODE_ENV: "staging", XDG_RUNTIME_DIR: folder.path };
    await using running = await start([app()], folder.path, env);
    expect(await (await fetch(await running.url("web"))).json()).toEqual([" moin!", "web", ...own]);
    expect(await (await fetch(await running.url("thread"))).text()).toBe("thread!");
    expect(await (await fetch(`${await running.url("web")}/env`)).text()).toBe("staging");
    await fetch(`${await running.url("web")}/enqueue`);
    await running.until(/a job was done/);
    expect(existsSync(join(folder.path, "data/queue.db"))).toBe(true);
    const ask = (...args: string[]) =>
      spawnSync(app(), args, { cwd: "/", env: { ...env, TMPDIR: "/tmp" }, encoding: "utf8" });
    expect(ask("status").stdout).toContain("sealed: running");
    expect(ask("queue", "ls").stdout).toContain("jobs");
    expect(ask("healthcheck")).toMatchObject({ status: 0, stdout: "ok\n" });
    for (const name of ["web", "thread"]) {
      const { stdout } = ask("restart", name);
      expect(stdout).toContain("the code is the same: it is inside this executable");
    }
    expect(ask("reload").stdout).toContain("build a new one");
    expect(await running.stop()).toBe(0);
    expect(ask("healthcheck").status).toBe(1);
    const alone = spawnSync(app(), ["status"], { env: { TMPDIR: folder.path }, encoding: "utf8" });
    expect(alone.stderr).toContain(`Start it with "${app()}".`);
    await using prod = await start([app(), "--env", "prod"], folder.path, env);
    expect(await (await fetch(await prod.url("web"))).json()).toContain(" good day!");
  });

  test("blames an error that nobody caught on the service whose file it comes from", async () => {
    using folder = tempDir();
    await using running = await start([app()], folder.path, { XDG_RUNTIME_DIR: folder.path });
    await fetch(`${await running.url("web")}/timer`);
    await running.until(/"service":"web".*services\/web\.ts:\d+/);
  });

  const why = noEmptyRoot();
  test.skipIf(why !== undefined)(
    `runs in a root with the C library and nothing else${why ? ` (skipped: ${why})` : ""}`,
    async () => {
      using root = tempDir();
      makeEmptyRoot(root.path);
      cpSync(app(), join(root.path, "app"));
      await using running = await start([...inRoot(root.path), "/app"], "/");
      expect(await (await fetch(await running.url("web"))).json()).toContain(" hello!");
      expect(await (await fetch(await running.url("thread"))).text()).toBe("thread!");
      await fetch(`${await running.url("web")}/enqueue`);
      await running.until(/a job was done/);
      const [unshare, ...others] = inRoot(root.path);
      const { stdout } = spawnSync(unshare, [...others, "/app", "status"], {
        env: { PATH: process.env.PATH },
        encoding: "utf8",
      });
      expect(stdout).toContain("sealed: running");
      expect(await running.stop()).toBe(0);
    },
  );

  test("is the same, byte for byte, from two folders", () => {
    using one = tempDir(files);
    using other = tempDir();
    mkdirSync(join(other.path, "much/deeper"), { recursive: true });
    cpSync(one.path, join(other.path, "much/deeper/copy"), { recursive: true });
    const outfile = join(other.path, "other-name");
    expect(build(join(other.path, "much/deeper/copy"), outfile).status).toBe(0);
    expect(sha256(outfile)).toBe(sha256(app()));
  });

  test("tells what is inside: services, files, packages and a bill of materials, no path of this machine", () => {
    const { stdout } = run("--supervisor-info");
    const info = JSON.parse(stdout);
    expect(info).toMatchObject({
      name: "sealed",
      runtime: `bun ${Bun.version}`,
      target: `linux-${process.arch}`,
    });
    expect(info.buildId).toMatch(/^[0-9a-f]{32}$/);
    expect(info.services.map((each: { name: string }) => each.name)).toEqual(["jobs", "thread", "web"]);
    const path = (each: { path: string }) => each.path;
    expect(info.files.map(path)).toEqual(["services.prod.yaml", "services.yaml"]);
    expect(info.modules.map(path)).toEqual([
      "services/jobs.ts",
      "services/thread.ts",
      "services/web.ts",
      "shared/greet.ts",
    ]);
    expect(info.packages).toEqual([{ name: "left", version: "1.2.3", license: "MIT" }]);
    expect(info.sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    expect(stdout).not.toContain(scratch.path);
  });

  test("writes a unit that names itself, and no services.yaml that is nowhere", () => {
    const { status, stdout } = run("systemd");
    expect(status).toBe(0);
    expect(stdout).toContain('# Made by "supervisor systemd" from the services.yaml inside app;');
    expect(stdout).not.toContain(join(scratch.path, "services.yaml"));
  });

  test("needs no credential for a check", () => {
    using project = tempDir({
      "services.yaml":
        "services: { a: { module: ./a.ts, config: { key: '${credential:key}' }, http: { port: 0 } } }\n",
      "a.ts": "export default { fetch: () => new Response() };\n",
    });
    expect(build(project.path, "app").status).toBe(0);
    const check = spawnSync(join(project.path, "app"), ["check"], { env: {}, encoding: "utf8" });
    expect(check.status).toBe(0);
    expect(check.stdout).toContain('note: the credential "key" was not looked at');
  });

  test("refuses what it cannot do, and says why", () => {
    expect(run("run", "other.yaml")).toMatchObject({ status: 64 });
    expect(run("run", "other.yaml").stderr).toContain(
      "this executable runs the services.yaml that is inside it",
    );
    expect(run("run", "--watch").stderr).toContain("the code is inside this executable");
    expect(run("build")).toMatchObject({ status: 64 });
    expect(run("build").stderr).toContain("This executable was built already");
    expect(run("run", "--env", "test").stderr).toContain("Overlays beside services.yaml: prod.");
    expect(run("check")).toMatchObject({ status: 0 });
  });
});

describe("supervisor build", () => {
  const service = (text: string, more: Record<string, string> = {}) =>
    tempDir({ "services.yaml": "services: { a: { module: ./a.ts } }\n", "a.ts": text, ...more });
  const outfile = join(scratch.path, "never");
  const addon = {
    "node_modules/addon/package.json": `{ "name": "addon", "version": "1.0.0", "main": "index.js" }`,
    "node_modules/addon/binding.gyp": "{}",
    "node_modules/addon/index.js": "module.exports = {};",
  };

  test.each([
    ["a computed import", `const name = "./b.ts";\nexport default await import(name);\n`, {}, "a.ts:2:22"],
    [
      "a computed require",
      `declare const require: Function;\nexport const load = (name: string) => require(name);\n`,
      {},
      "a.ts:2:39",
    ],
    [
      "a require that the bundler does not follow",
      `import { createRequire } from "node:module";\nexport default createRequire(import.meta.url)("./b.cjs");\n`,
      { "b.cjs": "module.exports = {};" },
      "a.ts:2:16",
    ],
    [
      "code from the network",
      `import x from "https://localhost/x.ts";\nexport default x;\n`,
      {},
      "a.ts:1:16",
    ],
    ["a native addon", `import addon from "addon";\nexport default addon;\n`, addon, "a.ts:1:20"],
    [
      "a native addon that is imported when it is needed",
      `export default { start: () => import("addon") };\n`,
      addon,
      "a.ts:1:39",
    ],
    [
      "a native addon that createRequire() reaches",
      `import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);\nexport default require("addon");\n`,
      addon,
      "a.ts:3:16",
    ],
  ])("refuses %s, names its place and makes nothing", (_, text, more, place) => {
    using project = service(text, more as Record<string, string>);
    const { status, stderr } = build(project.path, outfile);
    expect({ status, place: stderr.split("  ")[0] }).toEqual({ status: 78, place: `${place} CANNOT_SEAL` });
    expect(existsSync(outfile)).toBe(false);
  });

  test.each([
    ["exports something else", "a.ts", "export const app = {};\n", "", "it exports app"],
    ["exports nothing", "a.ts", "export {};\n", "", "it exports nothing"],
    ["has none of that name", "a.ts", "export default {};\n", "export: api", "it exports default"],
  ])("refuses a module that %s, as check does, and runs nothing of it", (_, file, text, named, has) => {
    using project = service(`throw new Error("run");\n${text}`);
    project.write("services.yaml", `services: { a: { module: ./${file}, ${named} } }\n`);
    project.write("services.prod.yaml", "log: { level: debug }\n");
    const { status, stderr } = build(project.path, outfile);
    expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringContaining("NOT_A_SERVICE") });
    expect(stderr).toContain(`Service "a": ${join(project.path, file)} has no`);
    expect(stderr).toContain(has);
    expect(stderr.split("NOT_A_SERVICE").length).toBe(2);
    expect(existsSync(outfile)).toBe(false);
  });

  test("lets be what is known only when it runs: CommonJS, variables, what comes from elsewhere, what throws", () => {
    using project = tempDir({
      "services.yaml": `services:
  commonjs: { module: ./a.cjs }
  variable: { module: ./b.ts, export: "\${WHICH}" }
  elsewhere: { module: ./c.ts, export: api }
  throws: { module: ./d.ts }
`,
      "a.cjs": "exports.api = { start() {} };\n",
      "b.ts": "export const api = {};\n",
      "c.ts": "export * from './a.cjs';\n",
      "d.ts": "if (!process.env.DB) throw 1; export default {};\n",
    });
    expect(build(project.path, "app").status).toBe(0);
  });

  test("lets packages see that an optional one is absent, and names those that throw", () => {
    const absent = (name: string) => `try { require("${name}"); } catch (e) {
  if (e.code !== "MODULE_NOT_FOUND" || e.message !== "Cannot find module '${name}'") throw e;
}
`;
    using project = service('import "optional";\nexport default { start() {} };\n', {
      "services.yaml": `services:
  a: { module: ./a.ts }
  b: { module: ./b.ts }
  c: { module: ./c.ts }
`,
      "b.ts": 'import "wanting";\nexport default { start() {} };\n',
      "c.ts": 'import "broken";\nexport default { start() {} };\n',
      "node_modules/optional/index.js":
        absent("absent") + absent("absent") + absent("./build/absent.node") + absent("@absent/one"),
      "node_modules/wanting/index.js": 'try { require("absent"); } catch (e) { throw e; }\n',
      "node_modules/broken/index.js": 'module.exports = 1;\nthrow new Error("broken");\n',
    });
    expect(build(project.path, "app")).toMatchObject({ status: 0, stderr: "" });
    const { status, stderr } = spawnSync(join(project.path, "app"), ["check"], {
      cwd: "/",
      encoding: "utf8",
    });
    expect({ status, inside: stderr.includes("bunfs") }).toEqual({ status: 78, inside: false });
    expect(stderr).toContain('services.yaml:3:16 MODULE_NOT_FOUND  Cannot load service "b": ');
    expect(stderr).toContain('node_modules/wanting/index.js imports "absent", which does not exist');
    expect(stderr).toContain('services.yaml:4:16 MODULE_THREW  Cannot load service "c": ');
    expect(stderr).toContain("(at node_modules/broken/index.js:2): broken");
    expect(stderr).toContain("2 problems in services.yaml");
  });

  test("takes what only looks computed, and data: URLs: the bundler follows them, and they run", async () => {
    const imports = "(await import(`./b.ts`)).b, (await import('./' + 'c.ts')).c, data";
    using project = service(
      `import data from "data:text/javascript,export default 'and data'";
export default { async start() { console.log(${imports}); } };\n`,
      { "b.ts": "export const b = 'from b';\n", "c.ts": "export const c = 'and c';\n" },
    );
    expect(build(project.path, "app")).toMatchObject({ status: 0, stderr: "" });
    const sealed = { name: "binary", command: [join(project.path, "app")] } as const;
    await using running = spawnSupervisor(sealed, [], { env: { XDG_RUNTIME_DIR: project.path } });
    await running.waitFor("from b and c and data");
  });

  test("keeps the names of classes and functions, also where several files declare the same", async () => {
    const declared = `class NotFound extends Error { constructor() { super(); this.name = new.target.name; } }
function f() {}
const Named = class Abc {};
const Anonymous = class {};
const arrow = () => 1;
export const names = () => [new NotFound().name, f.name, Named.name, Anonymous.name, arrow.name].join();
`;
    const imports = `import { names as n1 } from "./shared/one.ts";\nimport { names as n2 } from "./two.ts";\n`;
    using project = service(
      `${imports}${declared}export default { start() { console.log([names(), n1(), n2()].join(" ")); } };\n`,
      { "shared/one.ts": declared, "two.ts": declared },
    );
    expect(build(project.path, "app").status).toBe(0);
    const sealed = { name: "binary", command: [join(project.path, "app")] } as const;
    await using running = spawnSupervisor(sealed, [], { env: { XDG_RUNTIME_DIR: project.path } });
    const same = "NotFound,f,Abc,Anonymous,arrow";
    await running.waitFor(`${same} ${same} ${same}`);
  });

  test("takes a module that is a link, and what it imports from beside the file, as check does", async () => {
    const text = 'import { b } from "./b.ts";\nexport default { start() { console.log(b); } };\n';
    using project = tempDir({
      "services.yaml": "services: { a: { module: ./a.ts } }\n",
      "versions/2/a.ts": text,
      "versions/2/b.ts": "export const b = 'beside the file';\n",
    });
    symlinkSync("versions/2/a.ts", join(project.path, "a.ts"));
    expect(build(project.path, "app").stderr).toBe("");
    const sealed = { name: "binary", command: [join(project.path, "app")] } as const;
    await using running = spawnSupervisor(sealed, [], { env: { XDG_RUNTIME_DIR: project.path } });
    await running.waitFor("beside the file");
    project.write("services.yaml", "services: { a: { module: ./a.ts, export: other } }\n");
    expect(build(project.path, "app").stderr).toContain("NOT_A_SERVICE");
  });

  test("warns of files that are only paths or looked for beside a module, and of what a package computes", () => {
    const text = `import { x } from "odd";
import logo from "./logo.png" with { type: "bytes" };
import sql from "./q.sql" with { type: "text" };
import json from "./x.json" with { type: "json" };
console.log(logo, sql, json, await import("./late.sql"), import.meta.resolve("./z.ts"));
export default { fetch: () => new Response(import.meta.dirname + x) };
`;
    using project = service(text, {
      "logo.png": "",
      "q.sql": "",
      "late.sql": "",
      "x.json": "{}",
      "node_modules/odd/package.json": `{ "name": "odd", "version": "1.0.0", "main": "index.js" }`,
      "node_modules/odd/index.js": "exports.x = (name) => require(name);",
    });
    const { status, stderr } = build(
      project.path,
      join(scratch.path, "warned"),
      "--target",
      `linux-${process.arch}`,
    );
    expect(status).toBe(0);
    expect(
      stderr.split("\n").map((line) => /^warning: (\S+): (.*?)(?:[:,] | is no code)/.exec(line)?.slice(1)),
    ).toEqual([
      ["a.ts:5:58", "A file beside the module is not inside"],
      ["node_modules/odd/index.js:1:23", "What this requires is computed"],
      ["a.ts:2:19", '"./logo.png"'],
      ["a.ts:5:44", '"./late.sql"'],
      undefined,
    ]);
    rmSync(join(scratch.path, "warned"));
  });

  test("tells all that is missing or wrong, and what depends on a variable", () => {
    using missing = service(`import "nowhere";\n`);
    expect(build(missing.path, outfile).stderr).toContain('Could not resolve: "nowhere"\n');
    using variable = tempDir({ "services.yaml": "services: { a: { module: '${WHERE}' } }\n" });
    expect(build(variable.path, outfile)).toMatchObject({ status: 78 });
    expect(build(variable.path, outfile).stderr).toContain("depends on a variable that has no default");
  });

  test.each([
    ["the services.yaml", "services.yaml", "is what the executable is made of"],
    ["an overlay", "services.prod.yaml", "is what the executable is made of"],
    ["a module", "a.ts", "is what the executable is made of"],
    ["what a module imports, by a link to it", "link", "is what the executable is made of"],
    ["something else", "notes.txt", "is there already, and is no executable"],
  ])("never overwrites %s", (_, out, why) => {
    using project = service('import "./b.ts";\nexport default { fetch: () => new Response() };\n', {
      "services.prod.yaml": "log: { level: debug }\n",
      "b.ts": "export const b = 1;\n",
      "notes.txt": "mine\n",
    });
    symlinkSync("b.ts", join(project.path, "link"));
    const before = readFileSync(join(project.path, out));
    const { status, stderr } = build(project.path, out);
    expect({ status, said: stderr.includes(`${out} ${why}`) }).toEqual({ status: 64, said: true });
    expect(readFileSync(join(project.path, out))).toEqual(before);
  });

  test("writes over an executable, and over an empty file", () => {
    using project = service("export default { fetch: () => new Response() };\n", { app: "" });
    for (const _ of ["empty", "built"]) expect(build(project.path, "app").status).toBe(0);
  });

  test("--deno writes into no folder that has something else in it, and into its own again", () => {
    using project = service("export default { fetch: () => new Response() };\n", { "main.ts": "mine" });
    const refused = build(project.path, ".", "--deno");
    expect(refused.status).toBe(64);
    expect(refused.stderr).toContain('has files in it that "supervisor build --deno" has not made');
    expect(readFileSync(join(project.path, "main.ts"), "utf8")).toBe("mine");
    for (const _ of ["new", "again"]) expect(build(project.path, "out", "--deno").status).toBe(0);
  });

  test("refuses a runtime that is not for the target, and names both", () => {
    using project = service("export default { fetch: () => new Response() };\n", { text: "no executable" });
    const cross = (target: string, runtime: string) =>
      build(project.path, outfile, "--target", target, "--runtime", runtime);
    const own = `linux-${process.arch}`;
    const other = process.arch === "x64" ? "linux-arm64" : "linux-x64";
    for (const target of [other, `${own}-musl`, "darwin-arm64"]) {
      const { status, stderr } = cross(target, supervisor);
      expect({ target, status }).toEqual({ target, status: 64 });
      expect(stderr).toContain(`${supervisor} is an executable for ${own}, not for ${target}`);
    }
    expect(cross(own, "text").stderr).toContain("--runtime text is no executable");
    expect(cross(own, "nowhere").stderr).toContain("--runtime nowhere does not exist");
    expect(existsSync(outfile)).toBe(false);
  });

  test.skipIf(lacksSmallDisk !== undefined)(
    `says that the disk is full${lacksSmallDisk ? ` (skipped: ${lacksSmallDisk})` : ""}`,
    async () => {
      using project = service("export default { fetch: () => new Response() };\n");
      using disk = tempDir();
      const small = onSmallDisk({ name: "binary", command: [supervisor] }, disk.path, { size: 40_000_000 });
      const args = ["build", "services.yaml", "-o", join(disk.path, "app")];
      const { code, stderr } = await runSupervisorCli(small, args, { cwd: project.path });
      expect(stderr).toContain("the disk is full (FILE_UNWRITABLE)");
      expect(code).toBe(64);
      expect(readdirSync(project.path).sort()).toEqual(["a.ts", "services.yaml"]);
    },
  );

  test("leaves nothing behind when a signal ends it", async () => {
    using project = service("export default { fetch: () => new Response() };\n");
    const before = readdirSync(project.path);
    const child = spawn(supervisor, ["build", "services.yaml", "-o", "app"], { cwd: project.path });
    const ended = new Promise((resolve) => child.once("close", (_, signal) => resolve(signal)));
    const names = async () => readdirSync(project.path);
    await until(names, (there) => there.some((name) => name.startsWith(".build-")));
    child.kill("SIGTERM");
    expect(await ended).toBe("SIGTERM");
    expect(readdirSync(project.path)).toEqual(before);
  });

  test("wants the runtime of another target from the user", () => {
    using project = service("export default { fetch: () => new Response() };\n");
    const { status, stderr } = build(project.path, outfile, "--target", "linux-arm64");
    expect(status).toBe(64);
    expect(stderr).toContain("Nothing is downloaded");
  });
});

describe("supervisor build --deno", () => {
  const deno = join(import.meta.dir, "../../node_modules/deno/deno");
  test.skipIf(!existsSync(deno))(
    `writes what Deno checks and runs with its imports named${existsSync(deno) ? "" : " (skipped: npm has no deno for this machine)"}`,
    async () => {
      // Without packages: for `node:` Deno checks types of the node_modules, if there is one.
      const { "services/web.ts": web, ...others } = files;
      const sources = Object.entries(others).filter(([name]) => !name.startsWith("node_modules/"));
      const plain = web
        .replace('import { pad } from "left";', 'import { pad } from "padding";')
        .replace("../shared/greet.ts", "@/greet.ts");
      using project = tempDir({
        ...Object.fromEntries(sources),
        "services/web.ts": plain,
        "shared/pad.ts": 'export const pad = (text: string): string => " " + text;\n',
        "deno.json": `{ "imports": { "padding": "./shared/pad.ts" } }`,
        "tsconfig.json": `{ "compilerOptions": { "paths": { "@/*": ["./shared/*"] } } }`,
      });
      const out = join(project.path, "app-deno");
      const { status, stdout, stderr } = build(project.path, "app-deno", "--deno");
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("--include app-deno/kit/worker.ts");
      const flags = ["--config", join(out, "deno.json")];
      const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
      const entries = ["main.ts", "kit/operator.ts", "kit/worker.ts"].map((name) => join(out, name));
      const checked = spawnSync(deno, ["check", "--quiet", ...flags, ...entries], { env, encoding: "utf8" });
      expect({ status: checked.status, stderr: checked.stderr }).toEqual({ status: 0, stderr: "" });
      // The services.yaml is inside: nobody needs it any more.
      renameSync(join(project.path, "services.yaml"), join(project.path, "elsewhere.yaml"));
      const command = [deno, "run", "-A", "--no-prompt", ...flags, join(out, "main.ts")];
      await using running = await start(command, project.path, {
        XDG_RUNTIME_DIR: project.path,
        HOME: project.path,
      });
      expect(await (await fetch(await running.url("web"))).json()).toEqual([" hello!", "web", ...own]);
      expect(await (await fetch(await running.url("thread"))).text()).toBe("thread!");
      expect(await running.stop()).toBe(0);
    },
  );

  test("takes npm: and jsr: as they are; without it, build says that only Deno knows them", () => {
    using project = tempDir({
      "services.yaml": "services: { a: { module: ./a.ts } }\n",
      "a.ts": 'import { x } from "npm:absent@1";\nimport "named";\nexport default { fetch: () => x };\n',
      "deno.json": `{ "imports": { "named": "jsr:@absent/one@1" } }`,
    });
    const { status, stderr } = build(project.path, "app");
    expect({ status, place: stderr.split("  ")[0] }).toEqual({
      status: 78,
      place: "a.ts:1:19 MODULE_NOT_FOUND",
    });
    expect(stderr).toContain("or build with --deno");
    expect(build(project.path, "out", "--deno")).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(project.path, "out/deno.json"), "utf8")).toContain("jsr:@absent/one@1");
    project.write("deno.json", `{ "imports": { "named": "./nowhere.ts" } }`);
    expect(build(project.path, "out", "--deno").stderr).toStartWith("a.ts:2:8 MODULE_NOT_FOUND");
  });
});
