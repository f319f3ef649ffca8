import { describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tasks } from "../../contract/queue-site.ts";
import { settle } from "../../support/fake-clock.ts";
import { seeded } from "../../support/queue-sites.ts";
import { limit, openSite, subscription } from "../../support/sqlite-site.ts";

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
