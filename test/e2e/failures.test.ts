import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 30_000;
const head = `name: test
admin: { listen: 127.0.0.1:0 }
defaults: { restart: { limit: 2, backoff: { min: 20ms, max: 100ms } } }
`;
const api = `api: { module: ${fixtures}/plain.ts, http: { port: 0 } }`;
const fails = (how: string, lives?: number) =>
  `module: ${fixtures}/fails.ts, config: { how: ${how}${lives === undefined ? "" : `, lives: ${lives}`} }`;

describeTargets("a service that fails", (target) => {
  for (const [how, why] of [
    ["start", "no connection"],
    ["run", "the line went dead"],
    ["timer", "nobody caught me"],
    ["rejection", "nobody caught me"],
  ] as const) {
    test(
      `in ${how}, more often than its limit: ends everything in order with 70, naming who and why`,
      async () => {
        await using system = startSystem(target, `${head}services:\n  ${api}\n  bad: { ${fails(how)} }\n`);
        expect((await system.process.exit).code).toBe(70);
        const { cause, services } = system.report();
        expect(cause).toEqual({ tag: "failure", service: "bad", message: why });
        expect(services.map(({ service, outcome }) => `${service} ${outcome}`)).toEqual([
          "bad gone",
          "api stopped",
        ]);
        const lives = system.log.filter((line) => line.service === "bad" && / retry \d/.test(line.msg));
        expect(lives).toHaveLength(2);
        expect(system.log.find((line) => line.msg.startsWith("stopping"))?.msg).toMatch(
          new RegExp(`bad.*${why}`),
        );
      },
      slow,
    );
  }

  test(
    "and is quarantined: the log tells once who waits for it",
    async () => {
      const plain = `module: ${fixtures}/plain.ts`;
      const waiting = `  web: { ${plain}, depends_on: bad }\n  app: { ${plain}, depends_on: web }\n`;
      const bad = `  bad: { ${fails("start")}, critical: false }\n`;
      await using system = startSystem(target, `${head}services:\n${bad}${waiting}`);
      const record = await system.record(({ msg }) => msg.includes("still wait"));
      expect(record).toMatchObject({
        level: "warn",
        msg: "2 services still wait: web for bad (quarantined); app for web (pending)",
      });
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "with a PermanentError is not tried again",
    async () => {
      await using system = startSystem(
        target,
        `${head}services:\n  ${api}\n  bad: { ${fails("permanent")} }\n`,
      );
      expect((await system.process.exit).code).toBe(70);
      expect(system.report().cause).toEqual({ tag: "failure", service: "bad", message: "no such tenant" });
      expect(system.process.stderr).not.toMatch(/ retry \d/);
    },
    slow,
  );

  test(
    "and is not critical is quarantined, and the rest stays ready",
    async () => {
      const yaml = `${head}services:\n  ${api}\n  bad: { ${fails("run")}, critical: false }\n`;
      await using system = startSystem(target, yaml);
      await system.record((line) => line.service === "bad" && line.msg.includes("quarantined"));
      const admin = await system.url();
      expect((await fetch(`${admin}/readyz`)).status).toBe(200);
      // It is tried from time to time, and ready until it fails again.
      const statusOfBad = async () => (await fetch(`${admin}/readyz/bad`)).status;
      expect(await until(statusOfBad, (status) => status === 503)).toBe(503);
      expect(await (await fetch(await system.url("api"))).text()).toBe("plain");
      expect((await system.stop()).code).toBe(0);
      expect(system.report().services[0]).toMatchObject({ service: "bad", outcome: "gone" });
    },
    slow,
  );

  test(
    "and is permanently gone takes nobody along when it is not critical",
    async () => {
      const yaml = `${head}services:\n  ${api}\n  bad: { ${fails("permanent")}, critical: false }\n`;
      await using system = startSystem(target, yaml);
      await system.ready();
      expect((await fetch(`${await system.url()}/readyz`)).status).toBe(200);
      const whole = await fetch(`${await system.url()}/healthz`);
      expect({ status: whole.status, text: await whole.text() }).toEqual({
        status: 200,
        text: expect.stringMatching(/\[!\]bad warning: failed .*no such tenant/),
      });
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "and works in its next life serves again",
    async () => {
      const yaml = `${head}services:\n  bad: { ${fails("start", 2)}, http: { port: 0 } }\n`;
      await using system = startSystem(target, yaml);
      const url = await system.url("bad");
      expect(await (await fetch(url)).text()).toBe("well");
      const ready = await system.record((line) => line.service === "bad" && line.msg === "ready");
      expect(ready.generation).toBe(3);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "its health probe is not ready, restarted, and ready again",
    async () => {
      const yaml = `${head}services:
  probed:
    module: ${fixtures}/unwell.ts
    config: { file: ./well }
    http: { port: 0 }
    health: { interval: 50ms, failures: 3 }
`;
      await using system = startSystem(target, yaml, { files: { well: "" } });
      await system.ready();
      rmSync(join(system.folder.path, "well"));
      await system.record((line) => line.service === "probed" && line.msg === "unhealthy: the file has gone");
      await system.record((line) => line.service === "probed" && / retry 1 in /.test(line.msg));
      system.folder.write("well", "");
      await system.record((line) => line.msg === "ready" && (line.generation ?? 0) > 1);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );
});

describeTargets("services that complete", (target) => {
  test(
    "none of them, because all have failed: the process ends with 70 and says so",
    async () => {
      const yaml = `${head}services:
  only: { module: ./broken.ts, critical: false, restart: never }
`;
      const files = { "broken.ts": 'export default { start() { throw new Error("broken"); } };' };
      await using system = startSystem(target, yaml, { files });
      expect((await system.process.exit).code).toBe(70);
      expect(system.log.map(({ msg }) => msg)).toContain('stopping ("only" failed: broken), budget 30s');
    },
    slow,
  );

  test(
    "all of them: the process ends by itself with 0",
    async () => {
      const yaml = `${head}services:
  one: { module: ${fixtures}/completes.ts }
  two: { module: ${fixtures}/completes.ts, depends_on: { one: completed } }
`;
      await using system = startSystem(target, yaml);
      expect((await system.process.exit).code).toBe(0);
      expect(system.report().cause).toEqual({ tag: "completed" });
      expect(outcomes(system)).toEqual(["two completed", "one completed"]);
    },
    slow,
  );
});

function outcomes(system: System): string[] {
  return system.report().services.map(({ service, outcome }) => `${service} ${outcome}`);
}
