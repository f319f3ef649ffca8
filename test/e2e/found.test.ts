import { expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { testUnsealed } from "../support/sealed-suite.ts";
import type { System } from "../support/system.ts";
import { startSystem } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
const files = {
  "package.json": '{"type":"module"}',
  "plain.ts": `export default () => ({ fetch: () => new Response("here") });`,
  "job.ts": `export default () => ({ start() {} });`,
  "caller.ts": `export default (ctx) => ({
    async fetch() {
      try {
        return new Response(await (await ctx.service("late").fetch("/")).text());
      } catch (error) {
        return new Response(String(error), { status: 500 });
      }
    },
  });`,
};
const yaml = `name: found
admin: { listen: 127.0.0.1:0 }
services:
  job: { module: ./job.ts }
  caller: { module: ./caller.ts, http: { port: 0 }, isolation: worker }
`;

async function started(target: Target) {
  const system = startSystem(target, yaml, { files });
  await system.ready();
  const cli = (...args: string[]) =>
    runSupervisorCli(target, args, {
      cwd: system.folder.path,
      env: { XDG_RUNTIME_DIR: system.folder.path },
    });
  await until(
    () => cli("status"),
    ({ code }) => code === 0,
  );
  return Object.assign(system as System, { cli });
}

describeTargets("a supervisor is found", (target) => {
  test(
    "again after its socket, and then the whole folder of it, were deleted",
    async () => {
      await using system = await started(target);
      const folder = join(system.folder.path, "supervisor");
      const socket = join(folder, "found.sock");
      for (const lost of [socket, folder]) {
        rmSync(lost, { recursive: true });
        expect((await system.cli("status")).code).toBe(3);
        await until(
          () => system.cli("status"),
          ({ code }) => code === 0,
        );
        expect(statSync(socket).mode & 0o777).toBe(0o600);
        expect(statSync(folder).mode & 0o777).toBe(0o700);
        expect(Number.parseInt(readFileSync(join(folder, "found.pid"), "utf8"), 10)).toBe(system.process.pid);
      }
      expect((await system.stop()).code).toBe(0);
      expect(existsSync(socket)).toBe(false);
    },
    slow,
  );

  testUnsealed(target, "edits")(
    "by its file after the name in it was edited, and says that a name needs a restart",
    async () => {
      await using system = await started(target);
      system.folder.write("services.yaml", yaml.replace("name: found", "name: renamed"));
      const reload = await system.cli("reload");
      expect(reload.code).toBe(1);
      expect(reload.stderr).toContain('The name cannot become "renamed" while the supervisor runs');
      expect(reload.stderr).toContain("services.yaml:1:");
      expect(JSON.parse((await system.cli("status", "--json")).stdout).name).toBe("found");
      expect((await system.cli("status", "--name", "renamed")).code).toBe(3);
    },
    slow,
  );

  testUnsealed(target, "edits")(
    "by -o json as by --json; a service without fetch says so; a thread knows a service that a reload added",
    async () => {
      await using system = await started(target);
      for (const args of [["status"], ["diff"], ["events"], ["logs"], ["version"]]) {
        const [long, short] = [await system.cli(...args, "--json"), await system.cli(...args, "-o", "json")];
        expect([args, long.code, short.code]).toEqual([args, 0, 0]);
        const first = ({ stdout }: { stdout: string }) => stdout.replace(/[\d.]+/g, "0").slice(0, 200);
        expect(first(short)).toEqual(first(long));
      }
      const refused = await system.cli("inject", "job", "GET", "/");
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('"job" takes no requests: it has no fetch');

      const caller = await system.url("caller");
      expect(await (await fetch(caller)).text()).toContain("no service has that name");
      system.folder.write("services.yaml", `${yaml}  late: { module: ./plain.ts }\n`);
      expect((await system.cli("reload")).code).toBe(0);
      expect(await (await fetch(caller)).text()).toBe("here");
      system.folder.write("services.yaml", yaml);
      expect((await system.cli("reload")).code).toBe(0);
      expect(await (await fetch(caller)).text()).toContain("no service has that name");
    },
    slow,
  );
});
