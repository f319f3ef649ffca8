import { expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import { effectsOf } from "../support/loss-journal.ts";
import { lossSite } from "../support/loss-lives.ts";
import { enqueueLoad } from "../support/loss-load.ts";
import { fillDisk, lacksSmallDisk, makeRoom, onSmallDisk } from "../support/small-disk.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

/* The embedded broker on a disk that becomes full, and on one that cannot be written. */

const megabyte = 1024 * 1024;
const size = 40 * megabyte;

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

  /** The disk is filled under load, but for `left` bytes; resolves when new tasks are refused. */
  async function fill(left: number) {
    const disk = tempDir();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const site = lossSite(onSmallDisk(target, disk.path, { size }), yaml(`${disk.path}/queue.db`, port));
    const system = site.start();
    await system.ready();
    const load = enqueueLoad(url, 1e9, { bytes: 4_000, endsWith: "BROKER_FULL" });
    await until(
      async () => load.accepted.length,
      (many) => many > 300,
    );
    fillDisk(system.process.pid, disk.path, left);
    expect(await until(async () => load.isOver, Boolean)).toBe(true);
    expect(Object.keys(load.refused)).toEqual(["BROKER_FULL"]);
    const admin = await system.url();
    return {
      url,
      system,
      accepted: load.accepted,
      readyz: async () => (await fetch(`${admin}/readyz`)).status,
      makeRoom: () => makeRoom(system.process.pid, disk.path),
      done: () => effectsOf(site.journal()).size,
      /** Waits until all that was accepted is done, each once. */
      async allDone() {
        const end = performance.now() + 20_000;
        while (effectsOf(site.journal()).size < load.accepted.length && performance.now() < end) {
          await Bun.sleep(50);
        }
        const effects = effectsOf(site.journal());
        expect(load.accepted.filter((id) => effects.get(id)?.length !== 1)).toEqual([]);
        expect(effects.size).toBe(load.accepted.length);
      },
      async [Symbol.asyncDispose]() {
        await system[Symbol.asyncDispose]();
        site[Symbol.dispose]();
        disk[Symbol.dispose]();
      },
    };
  }

  async function isTaken(url: string): Promise<boolean> {
    const answer = await fetch(`${url}/?id=more-${performance.now()}`);
    expect(await answer.text()).toBe(answer.status === 200 ? "enqueued" : "BROKER_FULL");
    return answer.status === 200;
  }

  test.skipIf(lacksSmallDisk !== undefined)(
    `while little room is left new tasks are refused with BROKER_FULL, and what waits is consumed all the same${why}`,
    async () => {
      await using filled = await fill(14 * megabyte);
      await filled.allDone();
      expect(await filled.readyz()).toBe(200);
      expect(await isTaken(filled.url)).toBe(false);
      filled.makeRoom();
      expect(await until(() => isTaken(filled.url), Boolean)).toBe(true);
      await filled.system.record(({ msg }) => msg.endsWith("takes new tasks again"));
      const said = filled.system.log.filter(({ msg }) => msg.includes("new tasks"));
      expect(said.map(({ level }) => level)).toEqual(["warn", "info"]);
      expect((await filled.system.stop()).code).toBe(0);
    },
    60_000,
  );

  test.skipIf(lacksSmallDisk !== undefined)(
    `while no room at all is left nothing that was accepted is lost, and it goes on when there is some${why}`,
    async () => {
      await using filled = await fill(0);
      const lines = filled.system.log.length;
      await Bun.sleep(2_000);
      expect(filled.system.log.length - lines).toBeLessThanOrEqual(5);
      const before = filled.done();
      await Bun.sleep(500);
      // It goes on for as long as what it has of the disk is enough to settle.
      const isStuck = filled.done() === before && before < filled.accepted.length;
      expect(await filled.readyz()).toBe(isStuck ? 503 : 200);
      filled.makeRoom();
      await filled.allDone();
      expect(await until(filled.readyz, (status) => status === 200)).toBe(200);
      expect(await until(() => isTaken(filled.url), Boolean)).toBe(true);
      expect((await filled.system.stop()).code).toBe(0);
    },
    60_000,
  );

  test.skipIf(lacksSmallDisk !== undefined)(
    `a disk that is full from the start refuses new tasks with BROKER_FULL${why}`,
    async () => {
      using disk = tempDir();
      const port = await freePort();
      const small = onSmallDisk(target, disk.path, { size: 8_192 });
      using site = lossSite(small, yaml(`${disk.path}/queue.db`, port));
      await using system = site.start();
      await system.url("desk");
      const since = performance.now();
      expect(await isTaken(`http://127.0.0.1:${port}`)).toBe(false);
      expect(performance.now() - since).toBeLessThan(4_000);
      expect((await system.stop()).code).toBe(0);
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
      expect(exit.code).toBe(78);
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
