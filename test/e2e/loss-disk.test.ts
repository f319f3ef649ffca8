import { expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import { effectsOf } from "../support/loss-journal.ts";
import { lossSite } from "../support/loss-lives.ts";
import { enqueueLoad } from "../support/loss-load.ts";
import { lacksSmallDisk, makeRoom, onSmallDisk } from "../support/small-disk.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

/* The embedded broker on a disk that becomes full, and on one that cannot be written. */

const megabyte = 1024 * 1024;

const yaml = (file: string, port: number) => `
name: disk
admin: { listen: "127.0.0.1:0" }
brokers: { main: "sqlite:${file}" }
services:
  consumer:
    module: ${fixtures}/loss-consumer.ts
    consume: { queue: numbers, concurrency: 10, buffer: 20 }
    config: { takes: 40 }
  desk: { module: ${fixtures}/loss-desk.ts, http: { port: ${port} } }
`;

describeTargets("sqlite", (target) => {
  const why = lacksSmallDisk ? ` (skipped: ${lacksSmallDisk})` : "";

  test.skipIf(lacksSmallDisk !== undefined)(
    `a full disk refuses what is new with BROKER_FULL; nothing accepted is lost, and all goes on when there is room${why}`,
    async () => {
      using disk = tempDir();
      const port = await freePort();
      const small = onSmallDisk(target, disk.path, { size: 6 * megabyte, filled: 2 * megabyte });
      using site = lossSite(small, yaml(`${disk.path}/queue.db`, port));
      await using system = site.start();
      await system.ready();
      const load = enqueueLoad(`http://127.0.0.1:${port}`, 1e9, { bytes: 4_000, endsWith: "BROKER_FULL" });
      await until(async () => load.isOver, Boolean);
      expect(load.isOver).toBe(true);
      expect(Object.keys(load.refused)).toEqual(["BROKER_FULL"]);
      const linesWhenFull = system.log.length;
      const admin = await system.url();
      const readyz = async () => (await fetch(`${admin}/readyz`)).status;
      expect(await until(readyz, (status) => status === 503)).toBe(503);
      // Refused at once, however often it is asked.
      const refused = enqueueLoad(`http://127.0.0.1:${port}`, 1e9, { bytes: 4_000, endsWith: "BROKER_FULL" });
      expect(await until(async () => refused.isOver, Boolean)).toBe(true);
      await Bun.sleep(2_000);
      expect(system.log.length - linesWhenFull).toBeLessThanOrEqual(5);

      makeRoom(system.process.pid, disk.path);
      const accepted = [...load.accepted, ...refused.accepted];
      const done = async () => effectsOf(site.journal());
      const effects = await until(
        () => until(done, (all) => all.size >= accepted.length),
        (all) => all.size >= accepted.length,
      );
      expect(accepted.filter((id) => effects.get(id)?.length !== 1)).toEqual([]);
      expect(effects.size).toBe(accepted.length);
      expect(await until(readyz, (status) => status === 200)).toBe(200);
      const more = await fetch(`http://127.0.0.1:${port}/?id=more`);
      expect([more.status, await more.text()]).toEqual([200, "enqueued"]);
      expect((await system.stop()).code).toBe(0);
      console.log(`${target.name}: full after ${load.accepted.length} tasks; all of them were done`);
    },
    60_000,
  );

  test.skipIf(lacksSmallDisk !== undefined)(
    `a disk that cannot be written ends the start with one sentence that says so${why}`,
    async () => {
      using disk = tempDir();
      const small = onSmallDisk(target, disk.path, { size: megabyte, options: "ro" });
      using site = lossSite(small, yaml(`${disk.path}/queue.db`, 0));
      await using system = site.start();
      const exit = await system.process.exit;
      expect(exit.code).not.toBe(0);
      const sentence = `The queue ${disk.path}/queue.db cannot be written`;
      const failures = system.log.filter(({ level, service }) => level === "error" && service === "consumer");
      expect(failures).toHaveLength(1);
      expect(failures[0]?.msg).toContain(sentence);
      expect(failures[0]?.error).toMatchObject({
        code: "BROKER_REFUSED",
        hint: expect.stringContaining("the right to write"),
      });
    },
    60_000,
  );
});
