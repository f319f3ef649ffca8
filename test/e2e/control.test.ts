import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli, spawnSupervisor } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
const yaml = `name: shop
admin: { listen: 127.0.0.1:0 }
services:
  plain: { module: ${fixtures}/says.ts, http: { port: 0 } }
  freezer: { module: ${fixtures}/freezes.ts, http: { port: 0 } }
`;
const isRoot = process.getuid?.() === 0;
const asOther = isRoot ? "" : " (skipped: only root can become another user)";

function cli(target: Target, system: System, ...args: string[]) {
  const env = { XDG_RUNTIME_DIR: system.folder.path };
  return runSupervisorCli(target, args, { cwd: system.folder.path, env });
}

async function started(target: Target): Promise<System & { socket: string; pidFile: string }> {
  const system = startSystem(target, yaml);
  await system.ready();
  const socket = join(system.folder.path, "supervisor", "shop.sock");
  await until(
    async () => existsSync(socket),
    (there) => there,
  );
  return Object.assign(system, { socket, pidFile: socket.replace(".sock", ".pid") });
}

describeTargets("a running supervisor", (target) => {
  test(
    "has a private socket with its pid beside it, and takes both away at the end",
    async () => {
      await using system = await started(target);
      // Its mode is set behind the bind; the folder keeps others out from before.
      const mode = async () => statSync(system.socket).mode & 0o777;
      expect(await until(mode, (bits) => bits === 0o600)).toBe(0o600);
      expect(statSync(join(system.socket, "..")).mode & 0o777).toBe(0o700);
      expect(Number.parseInt(readFileSync(system.pidFile, "utf8"), 10)).toBe(system.process.pid);
      expect((await system.stop()).code).toBe(0);
      expect([existsSync(system.socket), existsSync(system.pidFile)]).toEqual([false, false]);
    },
    slow,
  );

  test(
    "events -f and logs -f end with code 0 when nobody reads what they print, though nothing more comes",
    async () => {
      await using system = await started(target);
      await until(
        () => cli(target, system, "status", "-o", "json"),
        ({ stdout }) => stdout.includes('"running"'),
      );
      const script = `set -o pipefail
"$@" events -f --lines 1 | head -1 & first=$!
"$@" logs -f --lines 1 | head -1 & second=$!
wait $first && wait $second`;
      const done = spawnSync("bash", ["-c", script, "bash", ...target.command], {
        cwd: system.folder.path,
        env: { ...process.env, XDG_RUNTIME_DIR: system.folder.path },
        encoding: "utf8",
        timeout: 20_000,
      });
      expect([done.status, done.stderr]).toEqual([0, ""]);
      expect(done.stdout.trim().split("\n")).toHaveLength(2);
    },
    slow,
  );

  test.each([
    ["SIGKILL", 3, "is gone"],
    ["SIGTERM", 0, "it has ended"],
  ] as const)(
    "logs -f and events -f say that it has ended: by %s with code %d",
    async (signal, code, words) => {
      await using system = await started(target);
      const env = { XDG_RUNTIME_DIR: system.folder.path };
      await using logs = spawnSupervisor(target, ["logs", "-f"], { cwd: system.folder.path, env });
      await using events = spawnSupervisor(target, ["events", "-f"], { cwd: system.folder.path, env });
      await logs.waitFor("ready");
      await events.waitFor("ready");
      await system.stop(signal);
      expect([(await logs.exit).code, logs.stderr]).toEqual([code, expect.stringContaining(words)]);
      expect([(await events.exit).code, events.stderr]).toEqual([code, expect.stringContaining(words)]);
    },
    slow,
  );

  test(
    "refuses a second one of its name before that one starts anything, and names its pid",
    async () => {
      await using system = await started(target);
      const second = await cli(target, system, "run", "services.yaml");
      expect(second.code).toBe(78);
      expect(second.stderr).toContain("ALREADY_RUNNING");
      expect(second.stderr).toContain(`pid ${system.process.pid}`);
      expect(second.stderr).not.toContain("starting");
      expect((await cli(target, system, "status")).code).toBe(0);
    },
    slow,
  );

  test(
    "replaces what a killed one has left, and takes them away when a second signal ends it",
    async () => {
      await using system = await started(target);
      await system.stop("SIGKILL");
      expect(existsSync(system.socket)).toBe(true);
      expect((await cli(target, system, "status")).code).toBe(3);
      const again = runSupervisorCli(target, ["run", "services.yaml"], {
        cwd: system.folder.path,
        env: { XDG_RUNTIME_DIR: system.folder.path },
      });
      const status = await until(
        () => cli(target, system, "status", "-o", "json"),
        ({ code, stdout }) => code === 0 && JSON.parse(stdout).state === "running",
      );
      expect(JSON.parse(status.stdout).pid).not.toBe(system.process.pid);
      const shutdown = await cli(target, system, "shutdown");
      expect([shutdown.code, shutdown.stderr]).toEqual([0, ""]);
      expect((await again).code).toBe(0);
      expect(existsSync(system.pidFile)).toBe(false);
    },
    slow,
  );

  test(
    "stops, starts and pauses a service, and keeps its log through its generations",
    async () => {
      await using system = await started(target);
      expect((await cli(target, system, "stop", "pla*")).stdout).toContain("plain: stopped");
      expect((await cli(target, system, "status")).stdout).toMatch(/plain +stopped/);
      expect((await cli(target, system, "start", "plain")).stdout).toContain("plain: started");
      const logs = await cli(target, system, "logs", "plain", "--json");
      const generations = logs.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).generation);
      expect(generations).toContain(1);
      expect(generations).toContain(2);
      expect((await cli(target, system, "pause", "plain")).code).toBe(0);
      expect((await fetch(await system.url("plain"))).status).toBe(503);
      expect((await cli(target, system, "inject", "plain", "GET", "/")).code).toBe(1);
      expect((await cli(target, system, "resume", "plain")).code).toBe(0);
      expect((await fetch(await system.url("plain"))).status).not.toBe(503);
      const events = await cli(target, system, "events");
      expect(events.stdout).toContain("starting → ready");
    },
    slow,
  );

  test(
    "says what a command line does wrong, and which service does not exist",
    async () => {
      await using system = await started(target);
      const unknown = await cli(target, system, "restart", "plian");
      expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('Did you mean "plain"?')]);
      expect((await cli(target, system, "restart")).code).toBe(64);
      expect((await cli(target, system, "stop", "")).code).toBe(64);
      const elsewhere = await cli(target, system, "inject", "plain", "GET", "http://evil/");
      expect([elsewhere.code, elsewhere.stderr]).toEqual([64, expect.stringContaining("begin with /")]);
      const endless = await cli(target, system, "logs", "-n", "999999999");
      expect([endless.code, endless.stderr]).toEqual([64, expect.stringContaining("100,000")]);
      const many = Array.from({ length: 400 }, () => "plain".padEnd(50, "*"));
      expect((await cli(target, system, "pause", ...many)).stdout).toContain("plain: paused");
      expect((await cli(target, system, "resume", ...many)).code).toBe(0);
      const long = await cli(target, system, "stop", "x".repeat(100_000));
      expect([long.code, long.stderr]).toEqual([1, expect.stringContaining("UNKNOWN_SERVICE")]);
      const logs = await cli(target, system, "logs", ...many);
      expect([logs.code, logs.stderr]).toEqual([64, expect.stringContaining("a glob")]);
      expect((await cli(target, system, "restart", "plain", "--timeout", "soon")).code).toBe(64);
      expect((await cli(target, system, "status", "--name", "other")).code).toBe(3);
    },
    slow,
  );

  test(
    "answers status while the event loop is frozen, and refuses commands naming the culprit",
    async () => {
      await using system = await started(target);
      void fetch(`${await system.url("freezer")}/fetch`).catch(() => {});
      // A start on a busy machine may have blocked the loop, too, and that has passed.
      const status = await until(
        () => cli(target, system, "status"),
        ({ stdout }) => stdout.includes("frozen"),
        20_000,
      );
      expect([status.code, status.stdout]).toEqual([0, expect.stringContaining("frozen")]);
      expect(status.stdout).toContain('"freezer"');
      const stop = await cli(target, system, "stop", "plain", "--timeout", "1s");
      expect([stop.code, stop.stderr]).toEqual([1, expect.stringMatching(/freezer.*FROZEN/s)]);
    },
    slow,
  );

  test.skipIf(!isRoot)(
    `cannot be reached by another user${asOther}`,
    async () => {
      await using system = await started(target);
      chmodSync(system.folder.path, 0o755);
      const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
      const curl = ["curl", "-s", "-m", "5", "--unix-socket", system.socket, "http://x/api/v1/status"];
      const { status, stdout } = spawnSync("setpriv", [...nobody, ...curl], { encoding: "utf8" });
      expect([status, stdout]).toEqual([7, ""]);
      const asked = [...target.command, "status", "--pid-file", system.pidFile];
      const told = spawnSync("setpriv", [...nobody, ...asked], { cwd: system.folder.path, encoding: "utf8" });
      expect([told.status, told.stderr]).toEqual([1, expect.stringContaining("CONTROL_FORBIDDEN")]);
    },
    slow,
  );
});
