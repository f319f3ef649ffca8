import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli, spawnSupervisor, targets } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const fromSource = targets.find((target) => target.name === "bun");
const why = fromSource ? "" : " (skipped: nobody has asked for Bun)";

describeTargets("init", (target) => {
  test("writes a project that runs at once, in an empty folder with nothing installed", async () => {
    using folder = tempDir();
    const written = await runSupervisorCli(target, ["init", "my shop"], { cwd: folder.path });
    expect(written.code).toBe(0);
    expect(written.stdout).toContain(
      "Next:\n  cd 'my shop' && supervisor run\n  curl http://127.0.0.1:8080/\n",
    );
    const project = join(folder.path, "my shop");
    const yaml = join(project, "services.yaml");
    expect(readFileSync(yaml, "utf8")).toStartWith(
      "# yaml-language-server: $schema=./services.schema.json\nname: my-shop\n",
    );
    // Any free port: other tests may hold 8080.
    writeFileSync(yaml, readFileSync(yaml, "utf8").replace("port: 8080", "port: 0"));

    await using running = spawnSupervisor(target, ["run"], { cwd: project });
    const [url] = await running.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    const response = await fetch(`${url}/?name=Ada`);
    expect(await response.json()).toEqual({ hello: "Ada", greeted: 1 });
    running.signal("SIGTERM");
    expect((await running.exit).code).toBe(0);
  });

  test("--template consumer: what is asked over HTTP is done by the consumer", async () => {
    using folder = tempDir();
    const options = { cwd: folder.path };
    const { code, stdout } = await runSupervisorCli(target, ["init", "--template", "consumer"], options);
    expect(code).toBe(0);
    expect(stdout).toContain("Next:\n  supervisor run\n  curl -X POST 'http://127.0.0.1:8080/?name=Ada'\n");
    const yaml = join(folder.path, "services.yaml");
    writeFileSync(yaml, readFileSync(yaml, "utf8").replace("port: 8080", "port: 0"));
    await using running = spawnSupervisor(target, ["run"], options);
    const [url] = await running.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    expect((await fetch(`${url}/?name=Ada`, { method: "POST" })).status).toBe(202);
    await running.waitFor('"to":"Ada"');
    running.signal("SIGTERM");
    expect((await running.exit).code).toBe(0);
  });

  test("without a name writes into the working directory", async () => {
    using folder = tempDir();
    const { code, stdout } = await runSupervisorCli(target, ["init"], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toContain("Next:\n  supervisor run\n");
    expect(existsSync(join(folder.path, "services/hello.ts"))).toBe(true);
  });

  test("overwrites nothing: names what is there and writes nothing", async () => {
    using folder = tempDir({ "package.json": "{}", "services.yaml": "mine" });
    const { code, stdout, stderr } = await runSupervisorCli(target, ["init"], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain("already has services.yaml, package.json");
    expect(readdirSync(folder.path).toSorted()).toEqual(["package.json", "services.yaml"]);
  });

  test("over a file in the way: 64 in one line with the code, and nothing half written", async () => {
    using folder = tempDir({ services: "", "nested/file": "" });
    const { code, stdout, stderr } = await runSupervisorCli(target, ["init"], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    const file = join(folder.path, "services", "hello.ts");
    expect(stderr).toBe(
      `supervisor: Cannot write the project to ${file}: something else is in the way (FILE_UNWRITABLE). ` +
        "Move it away, or name another place.\n",
    );
    expect(readdirSync(folder.path).toSorted()).toEqual(["nested", "services"]);

    const below = await runSupervisorCli(target, ["init", "nested/file/deep"], { cwd: folder.path });
    expect(below.code).toBe(64);
    expect(below.stderr).toMatch(/^supervisor: Cannot write the project to .* \(FILE_UNWRITABLE\)\. .*\n$/);
  });

  test("in a file system that takes no files: 64 in one line with the code", async () => {
    const { code, stderr } = await runSupervisorCli(target, ["init", "/proc/self/shop"]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/^supervisor: Cannot write the project to .* \(FILE_UNWRITABLE\)\. .*\n$/);
  });
});

test.skipIf(!fromSource).each(["http", "consumer"])(
  `init writes a project that its own tsconfig accepts, and whose types are checked: %s${why}`,
  async (template) => {
    using folder = tempDir();
    await runSupervisorCli(fromSource as Target, ["init", "--template", template], { cwd: folder.path });
    const tsc = join(import.meta.dir, "../../node_modules/typescript/bin/tsc");
    const check = () => spawnSync(process.execPath, [tsc], { cwd: folder.path, encoding: "utf8" });
    expect(check().stdout).toBe("");
    folder.write(
      "services/wrong.ts",
      'import type { Service } from "supervisor";\nexport default { fetch: () => "text" } satisfies Service;\n',
    );
    expect(check().stdout).toContain("services/wrong.ts");
  },
);
