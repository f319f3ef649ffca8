import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import process from "node:process";
import type { Logger } from "../../src/core/log.ts";
import type { Driver, OpenDriver } from "../../src/queue/driver.ts";
import { openMemory } from "../../src/queue/drivers/memory.ts";
import { openSqlite } from "../../src/queue/drivers/sqlite.ts";
import type { DriverHarness, DriverSite } from "../contract/queue-driver.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { tempDir } from "./temp-dir.ts";

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

let count = 0;

/** An owner of this process. */
export function newOwner(): string {
  return `${hostname()}:${process.pid}:${++count}`;
}

/** A site on a clock that stands still; `where` says what to open, `remove` what to do at the end. */
export function stillSite(
  open: OpenDriver,
  where: { readonly name: string; readonly url: string },
  remove: () => void = () => {},
): DriverSite {
  const clock = new FakeClock();
  const drivers: Driver[] = [];
  const quiet = async () => {
    for (let round = 0; round < 8; round++) await settle();
  };
  return {
    clock,
    unit: 1_000,
    quiet,
    async pass(ms) {
      await clock.tick(ms);
      await quiet();
    },
    async open(owner = newOwner()) {
      const random = seeded(++count);
      const driver = open({ ...where, clock, random, log: silent, owner, onConnection: () => {} });
      drivers.push(driver);
      await driver.connect();
      return driver;
    },
    deadOwner() {
      const { pid } = spawnSync(process.execPath, ["--version"]);
      return `${hostname()}:${pid}:${++count}`;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(drivers.map((driver) => driver.close()));
      remove();
    },
  };
}

export const memoryHarness: DriverHarness = {
  lacks: ["dead owners", "restart"],
  start: async () => stillSite(openMemory, { name: `suite-${++count}`, url: "memory:" }),
};

export const sqliteHarness: DriverHarness = {
  lacks: ["restart"],
  async start() {
    const dir = tempDir();
    const url = `sqlite:${dir.path}/data/queue.db`;
    return stillSite(openSqlite, { name: "main", url }, () => dir[Symbol.dispose]());
  },
};

/** Numbers that look random and are the same in each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
