import { join } from "node:path";
import type { Connection, Driver, Subscription } from "../../src/queue/driver.ts";
import { parseAddress } from "../../src/queue/drivers/sqlite/address.ts";
import type { Store } from "../../src/queue/drivers/sqlite/store.ts";
import { joinStore } from "../../src/queue/drivers/sqlite/store.ts";
import { openSqlite } from "../../src/queue/drivers/sqlite.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { newOwner, seeded, silent } from "./queue-sites.ts";
import { tempDir } from "./temp-dir.ts";

/** One driver on a file, on a clock that stands still. */
export interface Site extends AsyncDisposable {
  readonly file: string;
  readonly clock: FakeClock;
  readonly driver: Driver;
  readonly connections: Connection["tag"][];
  another(): Driver;
  /** The store of the driver, to be closed by the test. */
  connected(): Promise<Store>;
  pragma(name: string): unknown;
}

/** In a folder of its own, unless `name` is an absolute path. */
export function openSite(name: string, options = ""): Site {
  const dir = tempDir();
  const file = name.startsWith("/") ? name : join(dir.path, name);
  const clock = new FakeClock();
  const connections: Connection["tag"][] = [];
  const url = `sqlite:${file}${options}`;
  const shared = { name: "main", url, clock, random: seeded(1), log: silent };
  const driver = openSqlite({
    ...shared,
    owner: newOwner(),
    onConnection: ({ tag }) => connections.push(tag),
  });
  return {
    file,
    clock,
    driver,
    connections,
    another: () => openSqlite({ ...shared, owner: newOwner(), onConnection: () => {} }),
    async connected() {
      await driver.connect();
      return joinStore(parseAddress(url), shared);
    },
    pragma(name) {
      const store = joinStore(parseAddress(url), shared);
      const value = Object.values(store.ask.one(`PRAGMA ${name}`) ?? {})[0];
      void store.close();
      return value;
    },
    async [Symbol.asyncDispose]() {
      await driver.close();
      await settle();
      dir[Symbol.dispose]();
    },
  };
}

/** Consumes queue `q`. */
export const subscription: Subscription = {
  consumer: "c",
  queues: [{ queue: "q", weight: 1 }],
  strict: false,
  lease: 60_000,
  concurrency: 1,
  onCancel() {},
};

/** No more pages than it has, and `more`. */
export function limit(store: Store, more: number): void {
  const pages = Number(store.ask.one("PRAGMA page_count")?.page_count);
  store.ask.one(`PRAGMA max_page_count = ${pages + more}`);
}
