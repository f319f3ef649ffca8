import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Connection, Driver } from "../../../src/queue/driver.ts";
import { parseAddress } from "../../../src/queue/drivers/sqlite/address.ts";
import { prepareAll } from "../../../src/queue/drivers/sqlite/statements.ts";
import type { Store } from "../../../src/queue/drivers/sqlite/store.ts";
import { joinStore } from "../../../src/queue/drivers/sqlite/store.ts";
import { openSqlite } from "../../../src/queue/drivers/sqlite.ts";
import { tasks } from "../../contract/queue-site.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { newOwner, seeded, silent } from "../../support/queue-sites.ts";
import { tempDir } from "../../support/temp-dir.ts";

const isRoot = process.getuid?.() === 0;

describe("sqlite: opening a file", () => {
  test("makes the file and its folders, in WAL mode with full synchronisation", async () => {
    await using site = openSite("deep/er/queue.db");
    await site.driver.connect();
    expect(existsSync(site.file)).toBe(true);
    expect([site.pragma("journal_mode"), site.pragma("synchronous")]).toEqual(["wal", 2]);
    expect(site.connections).toEqual(["up"]);
  });

  test("?synchronous=normal flushes less", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    await site.driver.connect();
    expect(site.pragma("synchronous")).toBe(1);
  });

  test("refuses a file of a newer supervisor, and says what to do", async () => {
    await using site = openSite("queue.db");
    await site.driver.connect();
    await site.driver.close();
    const db = new DatabaseSync(site.file);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await expect(site.another().connect()).rejects.toMatchObject({
      code: "BAD_BROKER",
      message: expect.stringContaining("newer supervisor (version 99"),
      hint: expect.stringContaining("newer supervisor"),
    });
  });

  test("refuses another database, a file that is none, a folder, and a path below a file", async () => {
    using dir = tempDir({ text: "this is no database, and longer than its header ".repeat(10) });
    const other = new DatabaseSync(join(dir.path, "other.db"));
    other.exec("CREATE TABLE shop (id)");
    other.close();
    mkdirSync(join(dir.path, "folder"));
    for (const name of ["other.db", "text", "text/below.db"]) {
      const refused = await openSite(join(dir.path, name))
        .driver.connect()
        .catch((error) => error);
      expect([name, refused.code]).toEqual([name, "BAD_BROKER"]);
    }
    const folder = await openSite(join(dir.path, "folder"))
      .driver.connect()
      .catch((error) => error);
    expect(["BAD_BROKER", "BROKER_REFUSED"]).toContain(folder.code);
    expect(tablesOf(join(dir.path, "other.db")).length).toBe(1);
  });

  test("takes a file from two drivers at once that is not there yet", async () => {
    await using site = openSite("queue.db");
    const another = site.another();
    await Promise.all([site.driver.connect(), another.connect()]);
    await site.driver.enqueue(tasks("a", 1));
    expect((await another.inspector.queues())[0]?.counts.pending).toBe(1);
    await another.close();
  });

  test.skipIf(isRoot)(
    `refuses a folder that cannot be written${isRoot ? " (skipped: root may)" : ""}`,
    async () => {
      using dir = tempDir({ "locked/readme": "" });
      chmodSync(join(dir.path, "locked"), 0o500);
      const refused = openSite(join(dir.path, "locked/queue.db")).driver.connect();
      await expect(refused).rejects.toMatchObject({ code: "BROKER_REFUSED" });
      chmodSync(join(dir.path, "locked"), 0o700);
    },
  );

  test("parseAddress() takes absolute paths and the option, and names what else is there", () => {
    expect(parseAddress("sqlite:/a b/queue.db")).toEqual({ file: "/a b/queue.db", synchronous: "full" });
    expect(parseAddress("sqlite:///a/q.db?synchronous=normal")).toEqual({
      file: "/a/q.db",
      synchronous: "normal",
    });
    expect(parseAddress("sqlite:C:\\data\\q.db").file).toBe("C:\\data\\q.db");
    for (const url of [
      "sqlite:",
      "sqlite:q.db",
      "sqlite:/q?synchronous=off",
      "sqlite:/q?cache=1",
      "redis://x",
    ]) {
      expect(() => parseAddress(url)).toThrow(expect.objectContaining({ code: "BAD_BROKER" }));
    }
  });
});

describe("sqlite: a file in trouble", () => {
  test("one that is full refuses new tasks at once with BROKER_FULL, and half enqueues nothing", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 10));
    limit(store, 0);
    const large = tasks("b", 50, { payload: "x".repeat(5_000) });
    await expect(site.driver.enqueue(large)).rejects.toMatchObject({ code: "BROKER_FULL" });
    expect((await site.driver.inspector.queues())[0]?.counts.pending).toBe(10);
    expect(site.connections).toEqual(["up", "down"]);
    // Nobody writes: the end of the trouble is noticed all the same.
    limit(store, 100_000);
    await site.clock.tick(2_500);
    await settle();
    expect(site.connections).toEqual(["up", "down", "up"]);
    expect((await site.driver.enqueue(large)).every(({ tag }) => tag === "enqueued")).toBe(true);
    expect(site.connections).toEqual(["up", "down", "up"]);
    await store.close();
  });

  test("one that is full loses no settlement: it is written when there is room", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 3, { retention: 60_000 }));
    const receiver = site.driver.subscribe(subscription);
    const got = await receiver.receive(3, new AbortController().signal);
    limit(store, 0);
    const result = "x".repeat(50_000);
    const settling = receiver.settle(got.map((delivery) => ({ tag: "ack", delivery, result })));
    const refused = site.driver.enqueue(tasks("b", 1, { payload: result })).catch((error) => error.code);
    expect(await refused).toBe("BROKER_FULL");
    await site.clock.tick(1_500);
    expect((await site.driver.inspector.queues())[0]?.counts.active).toBe(3);
    limit(store, 100_000);
    await site.clock.tick(1_500);
    expect(await settling).toEqual(["settled", "settled", "settled"]);
    await store.close();
  });

  test("one that another process holds is waited for, five seconds long, without blocking", async () => {
    await using site = openSite("queue.db");
    await site.driver.connect();
    const other = new DatabaseSync(site.file);
    other.exec("BEGIN IMMEDIATE");
    let result: unknown = "waits";
    const enqueuing = site.driver.enqueue(tasks("a", 1)).then(
      (done) => (result = done[0]?.tag),
      (error) => (result = error.code),
    );
    await site.clock.tick(4_000);
    expect([result, site.connections]).toEqual(["waits", ["up"]]);
    await site.clock.tick(2_000);
    await enqueuing;
    expect([result, site.connections]).toEqual(["BROKER_UNREACHABLE", ["up", "down"]]);
    const later = site.driver.enqueue(tasks("a", 1));
    await site.clock.tick(200);
    other.exec("COMMIT");
    other.close();
    await site.clock.tick(200);
    expect(await later).toEqual([{ tag: "enqueued", state: "pending" }]);
    expect(site.connections).toEqual(["up", "down", "up"]);
  });

  test("one that another process holds while it is opened is tried until it is free, or the driver is closed", async () => {
    await using site = openSite("queue.db");
    await site.driver.connect();
    await site.driver.close();
    const holder = new DatabaseSync(site.file);
    holder.exec("BEGIN IMMEDIATE");
    const [patient, closed] = [site.another(), site.another()];
    let connected = false;
    const connecting = patient.connect().then(() => {
      connected = true;
    });
    const receiver = patient.subscribe(subscription);
    const waiting = receiver.receive(1, new AbortController().signal);
    const refused = closed.connect().catch((error) => error.code);
    await site.clock.tick(1_000);
    const closing = closed.close();
    await site.clock.tick(8_000);
    await closing;
    expect([connected, await refused]).toEqual([false, "BROKER_UNREACHABLE"]);
    holder.exec("COMMIT");
    holder.close();
    await site.clock.tick(8_000);
    await connecting;
    await patient.enqueue(tasks("a", 1));
    expect((await waiting).map(({ id }) => id)).toEqual(["a1"]);
    await patient.close();
  });

  test("one that was removed while it was open accepts nothing more, and is told, also when nobody writes", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const unlisten = store.listen(() => {});
    await site.driver.enqueue(tasks("a", 1));
    renameSync(site.file, `${site.file}.away`);
    await site.clock.tick(2_500);
    expect(site.connections).toEqual(["up", "down"]);
    const refused = site.driver.enqueue(tasks("b", 1)).catch((error) => error.code);
    await site.clock.tick(7_000);
    expect(await refused).toBe("BROKER_UNREACHABLE");
    renameSync(`${site.file}.away`, site.file);
    await site.clock.tick(3_000);
    expect(site.connections).toEqual(["up", "down", "up"]);
    unlisten();
    await store.close();
  });

  test("whatever is full in between, each message is settled once", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    const store = await site.connected();
    const random = seeded(7);
    const receiver = site.driver.subscribe({ ...subscription, lease: 3_600_000 });
    const made = tasks("m", 600, { payload: "x".repeat(3_000) });
    const settled: string[] = [];
    let refused = 0;
    let left = made;
    for (let round = 0; settled.length < made.length && round < 2_000; round++) {
      if (round % 7 === 0) limit(store, round > 200 || random() < 0.3 ? 100_000 : 0);
      const some = left.slice(0, 20);
      const enqueuing = site.driver.enqueue(some).then(
        () => {
          left = left.slice(some.length);
        },
        () => {
          refused++;
        },
      );
      const stop = new AbortController();
      const receiving = receiver.receive(15, stop.signal);
      await site.clock.tick(200);
      stop.abort();
      const got = await receiving;
      const settling = receiver.settle(got.map((delivery) => ({ tag: "ack", delivery }))).then(
        (results) =>
          settled.push(...got.filter((_, index) => results[index] === "settled").map(({ id }) => id)),
        () => {},
      );
      await site.clock.tick(6_000);
      await Promise.all([enqueuing, settling]);
    }
    expect(refused).toBeGreaterThan(0);
    expect(settled.length).toBe(made.length);
    expect(new Set(settled).size).toBe(made.length);
    await store.close();
  });

  test("a step that is wrong fails alone: what waits with it is written", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const wrong = store.commit.write(() => {
      throw new TypeError("wrong");
    });
    const [bad, good] = await Promise.allSettled([wrong, site.driver.enqueue(tasks("a", 1))]);
    expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
    await store.close();
  });
});

describe("sqlite: upkeep", () => {
  test("the archive keeps the newest ten thousand, and ninety days", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 10_400));
    await site.driver.inspector.act("q", "archive", { state: "pending" });
    for (let second = 0; second < 4; second++) {
      await site.clock.tick(1_100);
      await site.driver.enqueue(tasks(`later${second}-`, 1, { runAt: Number.MAX_SAFE_INTEGER / 4 }));
      await site.driver.inspector.act("q", "archive", { ids: [`later${second}-1`] });
    }
    await site.clock.tick(1_100);
    await site.driver.enqueue(tasks("b", 1));
    expect((await site.driver.inspector.queues())[0]?.counts.archived).toBe(10_000);
    expect(await site.driver.inspector.task("q", "later3-1")).toBeDefined();
    await site.clock.tick(91 * 86_400_000);
    for (let turn = 0; turn < 100; turn++) await site.driver.enqueue(tasks(`c${turn}-`, 1));
    expect((await site.driver.inspector.queues())[0]?.counts.archived).toBe(0);
    await store.close();
  });

  test("the write-ahead log stays small under load, and is emptied when nothing happens", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    const store = await site.connected();
    const receiver = site.driver.subscribe(subscription);
    let largest = 0;
    for (let round = 0; round < 60; round++) {
      await site.driver.enqueue(tasks(`r${round}-`, 500, { payload: "x".repeat(1_000) }));
      const got = await receiver.receive(500, new AbortController().signal);
      await receiver.settle(got.map((delivery) => ({ tag: "ack", delivery })));
      largest = Math.max(largest, statSync(`${site.file}-wal`).size);
    }
    expect(largest).toBeLessThan(16_000_000);
    await site.clock.tick(4_000);
    expect(statSync(`${site.file}-wal`).size).toBe(0);
    await store.close();
  });

  test("large payloads are written once, shown, and gone with their tasks", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const payload = "ä".repeat(500_000);
    await site.driver.enqueue([...tasks("a", 2, { payload }), ...tasks("a", 1, { payload })]);
    expect((await site.driver.inspector.task("q", "a1"))?.payload).toBe(payload);
    const before = statSync(`${site.file}-wal`).size;
    const receiver = site.driver.subscribe(subscription);
    const [a1, a2] = await receiver.receive(2, new AbortController().signal);
    expect([a1?.payload, a2?.payload]).toEqual([payload, payload]);
    expect(statSync(`${site.file}-wal`).size - before).toBeLessThan(100_000);
    await receiver.settle(a1 ? [{ tag: "ack", delivery: a1 }] : []);
    await receiver.close();
    await site.driver.inspector.act("q", "delete", {});
    expect(store.ask.one("SELECT count(*) AS n FROM bodies")?.n).toBe(0);
    await store.close();
  });

  test("what was removed gives its room back", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 3_000, { payload: "x".repeat(2_000) }));
    await site.driver.inspector.act("q", "delete", {});
    const unlisten = store.listen(() => {});
    const before = site.pragma("page_count") as number;
    await site.clock.tick(15_000);
    expect(site.pragma("page_count") as number).toBeLessThan(before / 2);
    unlisten();
    await store.close();
  });
});

describe("sqlite: what claims cost", () => {
  test("every statement that runs often finds its rows by an index, in order, without sorting", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const slow: string[] = [];
    for (const [name, text] of statementTexts()) {
      const plan = store.ask.all(`EXPLAIN QUERY PLAN ${text}`).map(({ detail }) => String(detail));
      if (plan.some((step) => /SCAN (?!cancels)|USE TEMP B-TREE/.test(step)))
        slow.push(`${name}: ${plan.join("; ")}`);
    }
    expect(slow).toEqual([]);
    await store.close();
  });
});

const subscription = {
  consumer: "c",
  queues: [{ queue: "q", weight: 1 }],
  strict: false,
  lease: 60_000,
  concurrency: 1,
  onCancel() {},
};

/** The texts as they were prepared, with 1 for each value. */
function statementTexts(): [string, string][] {
  const texts = new Map<string, string>();
  const spy = { prepare: (text: string) => text } as unknown as DatabaseSync;
  for (const [name, text] of Object.entries(prepareAll(spy) as unknown as Record<string, string>)) {
    if (!text.startsWith("PRAGMA")) texts.set(name, text.replace(/\?\d*/g, "1"));
  }
  return [...texts];
}

function tablesOf(file: string): unknown[] {
  const db = new DatabaseSync(file);
  const rows = db.prepare("SELECT name FROM sqlite_schema").all();
  db.close();
  return rows;
}

/** No more pages than it has, and `more`. */
function limit(store: Store, more: number): void {
  const pages = Number(store.ask.one("PRAGMA page_count")?.page_count);
  store.ask.one(`PRAGMA max_page_count = ${pages + more}`);
}

interface Site extends AsyncDisposable {
  readonly file: string;
  readonly clock: FakeClock;
  readonly driver: Driver;
  readonly connections: Connection["tag"][];
  another(): Driver;
  /** The store of the driver, to be closed by the test. */
  connected(): Promise<Store>;
  pragma(name: string): unknown;
}

function openSite(name: string, options = ""): Site {
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
