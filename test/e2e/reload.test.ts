import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openConnection } from "../support/raw-http.ts";
import type { System } from "../support/system.ts";
import { startSystem } from "../support/system.ts";
import { describeTargets, freshBinary } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const slow = 30_000;

const answering = (text: string) =>
  `export default (ctx) => ({ fetch: () => new Response(\`${text} \${JSON.stringify(ctx.config)} g\${ctx.generation}\`) });`;
const files = {
  "package.json": '{"type":"module"}',
  "a.ts": answering("a"),
  "b.ts": `export default (ctx) => ({ reload() {}, fetch: () => new Response(\`b \${ctx.config.n} g\${ctx.generation}\`) });`,
  "broken.ts": "export default {;",
};
const yaml = `name: reloads
admin: { listen: 127.0.0.1:0 }
services:
  a: { module: ./a.ts, http: { port: 0 }, config: { n: 1 } }
  b: { module: ./b.ts, http: { port: 0, path: / }, config: { n: 1 } }
`;

const ask = async (url: string) => (await fetch(url, { headers: { connection: "close" } })).text();

/** Writes another services.yaml, asks for it by SIGHUP, and waits for the line that tells how it went. */
async function reloadWith(system: System, text: string) {
  const before = system.log.length;
  system.folder.write("services.yaml", text);
  system.process.signal("SIGHUP");
  const told = await until(
    async () => system.log.slice(before).findLast((line) => /^(not )?reloaded/.test(line.msg)),
    (line) => line !== undefined,
  );
  if (!told) throw new Error(`nothing was told of a reload\n${system.process.stderr}`);
  return told;
}

describeTargets("reload", (target) => {
  test(
    "SIGHUP applies what changed: a config in place, a service more, a service less; others are not disturbed",
    async () => {
      await using system = startSystem(target, yaml, { files });
      await system.ready();
      const [a, b] = [await system.url("a"), await system.url("b")];
      using kept = await openConnection(a);
      expect((await kept.get("/")).body).toBe('a {"n":1} g1');
      const second = yaml.replace("path: / }, config: { n: 1 }", "path: / }, config: { n: 2 }");
      const line = await reloadWith(system, `${second}  c: { module: ./a.ts, http: { port: 0 } }\n`);
      expect(line).toMatchObject({
        level: "info",
        changes: [
          { subject: "b", action: "reconfigure", outcome: "done", note: "config.n 1 → 2" },
          { subject: "c", action: "add", outcome: "done" },
        ],
      });
      expect(await ask(b)).toBe("b 2 g1");
      expect((await kept.get("/")).body).toBe('a {"n":1} g1');
      const c = await system.url("c");
      expect(await ask(c)).toBe("a {} g1");
      expect((await reloadWith(system, second)).changes).toMatchObject([{ subject: "c", action: "remove" }]);
      await expect(fetch(c)).rejects.toThrow();
      expect((await kept.get("/")).body).toBe('a {"n":1} g1');
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "an invalid file, and code that cannot be loaded, change nothing and are told with their place",
    async () => {
      await using system = startSystem(target, yaml, { files });
      await system.ready();
      const a = await system.url("a");
      const unknown = await reloadWith(system, yaml.replace("config: { n: 1 }", "confog: { n: 1 }"));
      expect(unknown.level).toBe("error");
      expect(unknown.msg).toMatch(/not reloaded: .*services\.yaml:4:\d+ .*confog/);
      const broken = await reloadWith(system, yaml.replace("./a.ts", "./broken.ts"));
      expect(broken.msg).toMatch(/not reloaded: .*broken\.ts:1:\d+ [\s\S]*export default \{;/);
      expect(await ask(a)).toBe('a {"n":1} g1');
      const status = (await (await fetch(`${await system.url()}/api/v1/status`)).json()) as {
        reload: { outcome: string; problems: { code: string }[] };
      };
      expect(status.reload).toMatchObject({ outcome: "failed", problems: [{ code: "MODULE_SYNTAX" }] });
      expect((await reloadWith(system, yaml)).msg).toBe("reloaded: nothing to change");
    },
    slow,
  );

  test.skipIf(target.name === "deno")(
    `new code that fails never becomes the code: the old one serves, and a crash restarts it${target.name === "deno" ? " (skipped: Deno keeps inline code for ever)" : ""}`,
    async () => {
      const good = `export default (ctx) => ({ fetch(request) {
        if (request.url.endsWith("/crash")) setTimeout(() => { throw new Error("crash"); });
        return new Response(\`old g\${ctx.generation}\`);
      } });`;
      await using system = startSystem(target, yaml, { files: { ...files, "a.ts": good } });
      await system.ready();
      const [a, admin] = [await system.url("a"), await system.url()];
      const restart = async () => {
        const response = await fetch(`${admin}/api/v1/services/a/restart`, { method: "POST" });
        return (await response.json()) as { outcome: string };
      };
      for (const wrong of [
        "export default {;",
        'throw new Error("no");',
        "export default { start() { throw new Error() } };",
      ]) {
        system.folder.write("a.ts", wrong);
        expect((await restart()).outcome).toBe("failed");
        expect(await ask(a)).toBe("old g1");
      }
      await ask(`${a}/crash`);
      await system.record(
        (line) => line.service === "a" && line.msg.startsWith("ready") && line.generation !== 1,
      );
      expect(await ask(a)).toMatch(/^old g[2-9]$/);
      system.folder.write("a.ts", good.replace("old g", "new g"));
      expect((await restart()).outcome).toBe("done");
      expect(await ask(a)).toMatch(/^new g/);
    },
    slow,
  );

  test(
    "log and admin change at once; the old admin address stays when the new one cannot be had",
    async () => {
      await using system = startSystem(target, yaml, { files });
      await system.ready();
      const old = await system.url();
      const taken = new URL(await system.url("a")).port;
      const refused = await reloadWith(system, yaml.replace("127.0.0.1:0 }", `127.0.0.1:${taken} }`));
      expect(refused.changes).toMatchObject([
        { subject: "admin", outcome: "failed", error: { code: "ADDRESS_IN_USE" } },
      ]);
      expect((await fetch(`${old}/livez`)).status).toBe(200);
      await reloadWith(system, `log: { level: debug }\n${yaml.replace("127.0.0.1:0 }", "localhost:0 }")}`);
      const moved = await until(
        async () => String(system.log.findLast((line) => line.msg.startsWith("health at"))?.url),
        (url) => !url.startsWith(old),
      );
      expect((await fetch(new URL("/livez", moved))).status).toBe(200);
      await expect(fetch(`${old}/livez`)).rejects.toThrow();
    },
    slow,
  );
});

/** `script` gives its command a terminal; killed, that terminal has gone. */
const script = spawnSync("script", ["--version"]).status === 0 && process.platform === "linux";

test.skipIf(!script)(
  `SIGHUP of a terminal that has gone stops in order${script ? "" : " (skipped: no `script` on this machine)"}`,
  async () => {
    using folder = tempDir({ ...files, "services.yaml": yaml });
    const report = join(folder.path, "report.json");
    const command = `${freshBinary()} run services.yaml --stop-report report.json`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: folder.path,
      env: { ...process.env, XDG_RUNTIME_DIR: folder.path },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let printed = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    await until(
      async () => printed,
      (text) => text.includes("ready in"),
    );
    terminal.kill("SIGKILL");
    const written = await until(
      async () => (existsSync(report) ? readFileSync(report, "utf8") : ""),
      (text) => text.trimEnd().endsWith("}"),
    );
    expect(JSON.parse(written)).toMatchObject({
      cause: { tag: "signal", signal: "SIGHUP" },
      outcome: "clean",
    });
  },
  slow,
);
