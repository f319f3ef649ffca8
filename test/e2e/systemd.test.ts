import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { httpLoad } from "../support/http-load.ts";
import type { SystemdRig } from "../support/systemd-rig.ts";
import { bootSystemd, lacksSystemd } from "../support/systemd-rig.ts";
import { installUnit, unitTargets } from "../support/systemd-unit.ts";
import { until } from "../support/until.ts";

/*
 * Under a real systemd, with the units that `supervisor systemd --install` writes. SUPERVISOR_TEST_FULL=1 asks for the
 * numbers that are promised; otherwise the relations are the same and the numbers are smaller.
 */
const isFull = process.env.SUPERVISOR_TEST_FULL === "1";
const requests = isFull ? 20_000 : 3_000;
const watchdog = isFull ? 10 : 2;
const drain = isFull ? { takes: 20, timeout: 10 } : { takes: 3, timeout: 1 };

let rig: SystemdRig;
const reason = lacksSystemd === undefined ? "" : ` (skipped: ${lacksSystemd})`;

describe.skipIf(lacksSystemd !== undefined)(`under systemd${reason}`, () => {
  beforeAll(async () => {
    rig = await bootSystemd();
  }, 30_000);
  afterAll(async () => {
    await rig?.[Symbol.asyncDispose]();
  }, 30_000);

  for (const target of unitTargets) {
    describe(target.name, () => {
      test("start returns when all services are ready; the unit has no fault, and exposes little", async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: { listen: 127.0.0.1:0 }\nservices:\n  api: { module: ./api.ts, depends_on: slow, http: { port: ${port} } }\n  slow: { module: ./slow.ts }\n`,
          modules: { "api.ts": greets, "slow.ts": slowStart },
        });
        const file = `/etc/systemd/system/${unit.name}.service`;
        const verified = await rig.run("systemd-analyze", "verify", file);
        expect([verified.status, verified.stdout, verified.stderr]).toEqual([0, "", ""]);
        const offline = ["security", "--no-pager", "--offline=true", "--threshold=20", file];
        expect((await rig.run("systemd-analyze", ...offline)).status).toBe(0);

        const starting = unit.start();
        await until(
          () => unit.show("StatusText"),
          (text) => text === "Starting: 0/2 services ready",
        );
        const { status, elapsedMs } = await starting;
        expect(status).toBe(0);
        expect(elapsedMs).toBeGreaterThan(1_000);
        expect(await unit.show("StatusText")).toBe("2/2 services ready");
        expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello");
        expect((await unit.systemctl("stop")).status).toBe(0);
        expect(await unit.show("Result")).toBe("success");
      });

      test("a service that cannot start makes it fail with the reason, and 70 is restarted", async () => {
        await using unit = await installUnit(rig, target, {
          yaml: "admin: false\ndefaults: { restart: { limit: 0 } }\nservices:\n  db: { module: ./db.ts }\n",
          modules: {
            "db.ts": 'export default { async start() { throw new Error("no route to the database"); } };',
          },
        });
        expect((await unit.start()).status).not.toBe(0);
        const shown = await until(
          () => unit.systemctl("status"),
          ({ stdout }) => stdout.includes("no route to the database"),
        );
        expect(shown.stdout).toContain("no route to the database");
        // It is started again and again meanwhile: each of them is there between two tries.
        const seen = async (property: string, expected: RegExp) =>
          expect(await until(() => unit.show(property), expected.test.bind(expected))).toMatch(expected);
        await seen("StatusText", /^Failed: .*db.*no route to the database/);
        await seen("ExecMainStatus", /^70$/);
        await seen("StatusErrno", /^5$/);
        await until(
          () => unit.show("NRestarts"),
          (count) => Number(count) > 0,
        );
      });

      test("a start() that hangs fails for its own reason, whatever TimeoutStartSec= says, and keeps it in a stop", async () => {
        await using unit = await installUnit(rig, target, {
          // As the defaults do: each try takes so long that `within` has forgotten the one before.
          yaml: "admin: false\nservices:\n  db: { module: ./db.ts, start_timeout: 1s, stop_timeout: 1s, restart: { limit: 1, within: 1s } }\n",
          modules: { "db.ts": "export default { start: () => new Promise(() => {}) };" },
          over: ["TimeoutStartSec=2", "RestartSec=2s"],
        });
        const { status, elapsedMs } = await unit.start();
        expect(status).not.toBe(0);
        expect(elapsedMs).toBeGreaterThan(3_500);
        expect(await unit.show("ExecMainStatus")).toBe("70");
        expect(await unit.show("StatusText")).toMatch(/^Failed: service "db": .*was not ready within 1s/);
        const again = await until(
          () => unit.show("StatusText"),
          (text) => /^Starting: .*was not ready within 1s/.test(text),
        );
        expect(again).toContain("0/1 services ready");
        await unit.systemctl("stop");
        expect(await unit.show("StatusText")).toMatch(/^Failed: service "db": .*was not ready within 1s/);
        expect(await unit.show("StatusErrno")).toBe("5");
      }, 30_000);

      test("a wrong services.yaml is 78 with the reason, and is not restarted", async () => {
        await using unit = await installUnit(rig, target, {
          yaml: "admin: false\nservices:\n  api: { module: ./api.ts }\n",
          modules: { "api.ts": greets },
        });
        rig.shared.write(
          `${unit.name}/services.yaml`,
          `name: ${unit.name}\nservices:\n  api: { modul: ./api.ts }\n`,
        );
        expect((await unit.start()).status).not.toBe(0);
        expect(await unit.show("ExecMainStatus")).toBe("78");
        expect(await unit.show("StatusText")).toMatch(/^Cannot start: .*services\.yaml:3: /);
        expect(await unit.show("StatusErrno")).toBe("22");
        await sleep(1_500);
        expect(await unit.show("NRestarts")).toBe("0");
        expect(await unit.show("ActiveState")).toBe("failed");
      });

      test("eight restarts by hand are no crash loop, and a crash loop ends", async () => {
        await using unit = await installUnit(rig, target, {
          yaml: "admin: false\nservices:\n  api: { module: ./api.ts, restart: { limit: 0 } }\n",
          modules: { "api.ts": greets },
          over: ["RestartSec=50ms"],
        });
        for (let round = 0; round < 8; round++) expect((await unit.systemctl("restart")).status).toBe(0);
        rig.shared.write(`${unit.name}/api.ts`, 'export default { start() { throw new Error("no"); } };');
        expect((await unit.systemctl("restart")).status).not.toBe(0);
        const isOver = (state: string) => state === "failed";
        expect(await until(() => unit.show("ActiveState"), isOver, 40_000)).toBe("failed");
        expect(Number(await unit.show("NRestarts"))).toBeLessThan(20);
        expect((await unit.start()).status).not.toBe(0);
        rig.shared.write(`${unit.name}/api.ts`, greets);
        await rig.done("systemctl", "reset-failed", `${unit.name}.service`);
        expect((await unit.start()).status).toBe(0);
      }, 90_000);

      test("beside a socket, a wrong services.yaml is started again a few times only, and a restart mends it", async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nservices:\n  api: { module: ./api.ts, http: { listen: systemd:web, port: ${port} } }\n`,
          modules: { "api.ts": greets },
        });
        const file = `${unit.name}/services.yaml`;
        const right = readFileSync(join(unit.folder, "services.yaml"), "utf8");
        rig.shared.write(file, right.replace("module:", "modul:"));
        expect((await unit.start()).status).not.toBe(0);
        expect(await rig.show(`${unit.name}-web.socket`, "ActiveState")).toBe("active");
        await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
        const result = () => rig.show(`${unit.name}-web.socket`, "Result");
        expect(await until(result, (why) => why !== "success", 20_000)).toBe("trigger-limit-hit");
        rig.shared.write(file, right);
        expect((await unit.systemctl("restart")).status).toBe(0);
        expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello");
      }, 60_000);

      test(`reload under load loses none of ${requests} requests`, async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nservices:\n  api: { module: ./api.ts, config: { n: 0 }, http: { port: ${port} } }\n`,
          modules: { "api.ts": greets },
        });
        await unit.start();
        const reload = async (n: number) => {
          const file = join(unit.folder, "services.yaml");
          const text = readFileSync(file, "utf8").replace(/n: \d+/, `n: ${n}`);
          rig.shared.write(`${unit.name}/services.yaml`, text);
          expect((await unit.systemctl("reload")).status).toBe(0);
          expect(await unit.show("ActiveState")).toBe("active");
        };
        const load = await httpLoad({
          url: `http://127.0.0.1:${port}`,
          requests,
          keepAlive: 8,
          fresh: 8,
          during: (async () => {
            for (const n of [1, 2, 3]) await reload(n);
          })(),
        });
        expect(load.failures).toEqual([]);
        expect(load.answered).toBeGreaterThanOrEqual(requests);
        const reloads = await until(
          async () => (await unit.journal()).filter(({ MESSAGE = "" }) => /reload/.test(MESSAGE)),
          ({ length }) => length >= 3,
        );
        expect(reloads.length).toBeGreaterThanOrEqual(3);
      }, 120_000);

      for (const { what, service, modules } of restarted) {
        test(`three restarts with socket activation lose none of ${requests} requests: ${what}`, async () => {
          const port = await freePort();
          await using unit = await installUnit(rig, target, {
            yaml: `admin: false\nservices:\n  slow: { module: ./slow.ts }\n  api: { ${service}, http: { listen: systemd:web, port: ${port} } }\n`,
            modules: { "slow.ts": slowStart, ...modules },
          });
          await unit.start();
          const first = await unit.show("MainPID");
          const load = await httpLoad({
            url: `http://127.0.0.1:${port}`,
            requests,
            keepAlive: 20,
            fresh: isFull ? 200 : 50,
            during: (async () => {
              for (let round = 0; round < 3; round++) {
                await sleep(300);
                expect((await unit.systemctl("restart")).status).toBe(0);
              }
            })(),
          });
          expect(load.failures).toEqual([]);
          expect(load.answered).toBeGreaterThanOrEqual(requests);
          expect(await unit.show("MainPID")).not.toBe(first);
        }, 180_000);
      }

      test("a socket that is not passed, or is elsewhere, is an error that says so", async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nservices:\n  api: { module: ./api.ts, http: { listen: systemd:web, port: ${port} } }\n`,
          modules: { "api.ts": greets },
        });
        const yaml = (from: string, to: string) =>
          rig.shared.write(
            `${unit.name}/services.yaml`,
            readFileSync(join(unit.folder, "services.yaml"), "utf8").replace(from, to),
          );
        yaml("systemd:web", "systemd:other");
        await unit.start();
        expect(await unit.show("StatusText")).toContain(
          "systemd has passed no socket of that name (SOCKET_NOT_PASSED)",
        );
        yaml("systemd:other", "systemd:web");
        yaml(`port: ${port}`, "port: 1");
        await unit.start();
        expect(await unit.show("StatusText")).toContain(
          `its socket unit listens on 127.0.0.1:${port}, not on 127.0.0.1:1`,
        );
        expect(await unit.show("ExecMainStatus")).toBe("78");
      });

      test("what --install says of a socket that has moved is the same until it is done, also after a daemon-reload", async () => {
        const [from, to] = [await freePort(), await freePort()];
        const yaml = (port: number) =>
          `admin: false\nservices:\n  api: { module: ./api.ts, http: { listen: systemd:web, port: ${port} } }\n`;
        await using unit = await installUnit(rig, target, {
          yaml: yaml(from),
          modules: { "api.ts": greets },
        });
        expect((await unit.start()).status).toBe(0);
        rig.shared.write(`${unit.name}/services.yaml`, `name: ${unit.name}\n${yaml(to)}`);
        const install = async () => {
          const services = `/mnt/shared/${unit.name}/services.yaml`;
          const told = await rig.done(...target.command, "systemd", services, "--install");
          return /^Now: (.*)$/m.exec(told)?.[1] ?? "";
        };
        const stop = `systemctl stop ${unit.name}.service ${unit.name}-web.socket && `;
        expect(await install()).toStartWith(stop);
        expect(await install()).toStartWith(stop);
        await rig.done("systemctl", "daemon-reload");
        const steps = await install();
        expect(steps).toStartWith(stop);
        await rig.done("sh", "-c", steps);
        expect(await (await fetch(`http://127.0.0.1:${to}/`)).text()).toBe("hello");
        expect(await install()).toStartWith("systemctl daemon-reload");
      });

      test("a frozen loop is killed, and runs again within WatchdogSec and two seconds", async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nservices:\n  api: { module: ./api.ts, http: { port: ${port} } }\n`,
          modules: { "api.ts": freezes },
          over: [`WatchdogSec=${watchdog}`],
        });
        await unit.start();
        const before = await unit.show("MainPID");
        await sleep(watchdog * 1_000 + 500);
        expect(await unit.show("NRestarts")).toBe("0");
        const since = performance.now();
        void fetch(`http://127.0.0.1:${port}/freeze`).catch(() => {});
        const runsAgain = async () =>
          (await unit.show("MainPID")) !== before && (await unit.show("ActiveState")) === "active";
        await until(runsAgain, Boolean, watchdog * 1_000 + 5_000);
        expect(performance.now() - since).toBeLessThan(watchdog * 1_000 + 2_000);
        expect(await unit.show("NRestarts")).toBe("1");
      }, 60_000);

      test(`a drain of ${drain.takes} s is let go on although TimeoutStopSec=${drain.timeout}`, async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nshutdown: { timeout: ${drain.takes + 10}s }\nservices:\n  api: { module: ./api.ts, stop_timeout: ${drain.takes + 5}s, http: { port: ${port} } }\n`,
          modules: { "api.ts": takes(drain.takes) },
          over: [`TimeoutStopSec=${drain.timeout}`],
        });
        await unit.start();
        const answer = fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
        await sleep(200);
        const { elapsedMs } = await unit.systemctl("stop");
        expect(await answer).toBe("done");
        expect(elapsedMs).toBeGreaterThan((drain.takes - 1) * 1_000);
        expect(await unit.show("Result")).toBe("success");
      }, 60_000);

      test("a stop that hangs is cut off, and the report says who hung", async () => {
        await using unit = await installUnit(rig, target, {
          yaml: "admin: false\nservices:\n  hangs: { module: ./hangs.ts, stop_timeout: 2s }\n  good: { module: ./good.ts }\n",
          modules: {
            "hangs.ts": "export default { start() {}, stop: () => new Promise(() => {}) };",
            "good.ts": "export default { start() {} };",
          },
          over: ["TimeoutStopSec=1"],
        });
        await unit.start();
        const { elapsedMs } = await unit.systemctl("stop");
        expect(elapsedMs).toBeLessThan(5_000);
        expect(await unit.show("ExecMainStatus")).toBe("75");
        const log = await unit.journal();
        const told = log.map(({ MESSAGE }) => MESSAGE).join("\n");
        expect(told).toContain("hangs: abandoned: it did not stop within 2s, still holding stop()");
        expect(told).toContain("cut off: hangs");
        expect(await unit.show("StatusText")).toBe("Cut off: hangs (stop())");
        expect(await unit.show("StatusErrno")).toBe("62");
      }, 30_000);

      test("a drain that hangs beside one that does not: systemd waits for both, and only one is cut off", async () => {
        const [hanging, slow] = [await freePort(), await freePort()];
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false
shutdown: { timeout: 20s }
services:
  hangs: { module: ./hangs.ts, stop_timeout: 3s, http: { port: ${hanging} } }
  slow: { module: ./slow.ts, stop_timeout: 8s, http: { port: ${slow} } }
`,
          modules: {
            "hangs.ts": "export default { fetch: () => new Promise(() => {}) };",
            "slow.ts": takes(5),
          },
          over: ["TimeoutStopSec=1"],
        });
        await unit.start();
        void fetch(`http://127.0.0.1:${hanging}/`).catch(() => {});
        const answer = fetch(`http://127.0.0.1:${slow}/`).then((response) => response.text());
        await sleep(300);
        const { elapsedMs } = await unit.systemctl("stop");
        expect(await answer).toBe("done");
        expect(elapsedMs).toBeGreaterThan(3_000);
        expect(elapsedMs).toBeLessThan(12_000);
        // Its own exit code: systemd has killed nothing.
        expect([await unit.show("Result"), await unit.show("ExecMainStatus")]).toEqual(["exit-code", "75"]);
        expect(await unit.show("StatusText")).toBe("Cut off: hangs (1 request)");
        const told = (await unit.journal()).map(({ MESSAGE }) => MESSAGE).join("\n");
        expect(told).toContain("hangs: abandoned: it did not stop within 3s, still holding 1 request");
        expect(told).not.toContain("slow: abandoned");
      }, 60_000);

      test("everything killed and started again loses no task of the queue in StateDirectory=", async () => {
        const port = await freePort();
        const tasks = 200;
        await using unit = await installUnit(rig, target, {
          yaml: `admin: false\nservices:\n  desk: { module: ./desk.ts, http: { port: ${port} } }\n  worker: { module: ./worker.ts, consume: { queue: numbers, concurrency: 4, lease: 2s } }\n`,
          modules: { "desk.ts": enqueues, "worker.ts": worksSlowly },
        });
        await unit.start();
        const enqueued = await fetch(`http://127.0.0.1:${port}/?count=${tasks}`);
        expect(await enqueued.text()).toBe("ok");
        for (const kills of [1, 2, 3]) {
          await sleep(400);
          await rig.done("systemctl", "kill", "--kill-whom=all", "-s", "KILL", `${unit.name}.service`);
          const standing = async () => `${await unit.show("NRestarts")} ${await unit.show("ActiveState")}`;
          expect(await until(standing, (now) => now === `${kills} active`)).toBe(`${kills} active`);
        }
        const effects = `/var/lib/${unit.name}/effects`;
        const done = async () => new Set((await rig.done("cat", effects)).split("\n")).size;
        await until(done, (count) => count >= tasks, 40_000);
        expect(await done()).toBe(tasks);
        expect(await rig.done("ls", `/var/lib/${unit.name}`)).toContain("queue.db");
      }, 90_000);

      test("services see no variable of systemd's own; admin is on its socket, credentials are read, the journal has fields", async () => {
        const port = await freePort();
        await using unit = await installUnit(rig, target, {
          yaml: `admin: { listen: systemd:admin }\nservices:\n  api: { module: ./api.ts, config: { token: "\${credential:token}" }, http: { listen: systemd:web, port: ${port} } }\n`,
          modules: { "api.ts": tells },
        });
        await rig.write(`/etc/${unit.name}/token`, "s3cret-value\n");
        const admin = `127.0.0.1:${await freePort()}`;
        // The port that the unit gives it may be somebody else's on this machine.
        const over = `[Socket]\nListenStream=\nListenStream=${admin}\n`;
        await rig.write(`/etc/systemd/system/${unit.name}-admin.socket.d/test.conf`, over);
        await rig.done("systemctl", "daemon-reload");
        expect((await unit.start()).status).toBe(0);
        const told = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, unknown>;
        expect(told.seen).toEqual([]);
        expect(told.inherited).toEqual([]);
        expect(told.token).toBe("s3cret-value");
        expect((await fetch(`http://${admin}/readyz`)).status).toBe(200);
        expect((await fetch(`http://${admin}/api/v1/status`)).status).toBe(200);
        const log = await unit.journal();
        const line = log.find(({ MESSAGE = "" }) => MESSAGE.startsWith("api: two\nlines"));
        expect(line).toMatchObject({ SERVICE: "api", GENERATION: "1", PRIORITY: "4", _TRANSPORT: "journal" });
        expect(line).toMatchObject({ CODE: "E_TEST", ORDER_ID: "7", SYSLOG_IDENTIFIER: unit.name });
        expect(JSON.stringify(log)).not.toContain("s3cret-value");
      });
    });
  }
});

const greets = 'export default { fetch: () => new Response("hello") };';
const greetsSlowly =
  'export default { async fetch() { await new Promise((resolve) => setTimeout(resolve, 20)); return new Response("hello"); } };';
/** Whoever comes before a service is ready waits, whatever its start waits for. */
const restarted = [
  { what: "ready at once", service: "module: ./api.ts", modules: { "api.ts": greetsSlowly } },
  {
    what: "start() takes a second",
    service: "module: ./api.ts",
    modules: {
      "api.ts": `export default {
  start: () => new Promise((resolve) => setTimeout(resolve, 1_000)),
  fetch: () => new Response("hello"),
};`,
    },
  },
  {
    what: "a slow dependency, in a thread of its own",
    service: "module: ./api.ts, isolation: worker, depends_on: slow",
    modules: { "api.ts": greetsSlowly },
  },
];
const slowStart = "export default { start: () => new Promise((resolve) => setTimeout(resolve, 1_000)) };";
const freezes = `export default {
  fetch(request: Request) {
    if (new URL(request.url).pathname === "/freeze") for (;;);
    return new Response("hello");
  },
};`;
const takes = (seconds: number) => `export default {
  async fetch() {
    await new Promise((resolve) => setTimeout(resolve, ${seconds * 1_000}));
    return new Response("done");
  },
};`;
const enqueues = `export default (ctx) => ({
  async fetch(request: Request) {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let n = 0; n < count; n++) await ctx.queue().enqueue("numbers", { n }, { queue: "numbers" });
    return new Response("ok");
  },
});`;
const worksSlowly = `import { appendFileSync } from "node:fs";
export default (ctx) => ({
  async consume(message) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(ctx.env.STATE_DIRECTORY + "/effects", message.data.n + "\\n");
  },
});`;
const tells = `import { spawnSync } from "node:child_process";
const own = /NOTIFY|LISTEN_|WATCHDOG|FDSTORE/;
export default (ctx) => ({
  start() {
    ctx.log.warn("two\\nlines", { code: "E_TEST", orderId: 7, token: ctx.config.token });
  },
  fetch() {
    const { stdout } = spawnSync("/usr/bin/env", { encoding: "utf8" });
    return Response.json({
      seen: [...Object.keys(ctx.env), ...Object.keys(process.env)].filter((name) => own.test(name)),
      inherited: stdout.split("\\n").filter((line) => own.test(line)),
      token: ctx.config.token,
    });
  },
});`;
