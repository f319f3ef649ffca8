import { expect, test } from "bun:test";
import { actOn } from "../../../src/queue/drivers/sqlite/act.ts";
import { parseAddress } from "../../../src/queue/drivers/sqlite/address.ts";
import { insertTask } from "../../../src/queue/drivers/sqlite/enqueue.ts";
import { openSqlite } from "../../../src/queue/drivers/sqlite.ts";
import { task } from "../../contract/queue-site.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { newOwner, seeded, silent } from "../../support/queue-sites.ts";
import { tempDir } from "../../support/temp-dir.ts";

type StoreModule = typeof import("../../../src/queue/drivers/sqlite/store.ts");
// A copy of the module knows nothing of the files that the other one has open: it stands for another process.
const copy = "../../../src/queue/drivers/sqlite/store.ts?another-process";
const { joinStore } = (await import(copy)) as StoreModule;

test("sqlite: what another process does is seen within a second: tasks, due times, cancels, pauses", async () => {
  using dir = tempDir();
  const [url, clock] = [`sqlite:${dir.path}/queue.db`, new FakeClock()];
  const options = { clock, random: seeded(3) };
  const driver = openSqlite({
    ...options,
    name: "main",
    url,
    log: silent,
    owner: newOwner(),
    onConnection: () => {},
  });
  await driver.connect();
  const other = joinStore(parseAddress(url), options);
  const cancelled: string[] = [];
  const receiver = driver.subscribe({
    consumer: "c",
    queues: [{ queue: "q", weight: 1 }],
    strict: false,
    lease: 600_000,
    concurrency: 1,
    onCancel: (id) => cancelled.push(id),
  });
  const never = new AbortController().signal;
  const got: string[] = [];
  const receive = () => receiver.receive(1, never).then((some) => got.push(...some.map(({ id }) => id)));

  let receiving = receive();
  await settle();
  await other.commit.write((tx) => insertTask(tx, task({ id: "now" })));
  await clock.tick(100);
  expect(got).toEqual([]);
  await clock.tick(1_000);
  await receiving;
  expect(got).toEqual(["now"]);

  receiving = receive();
  await settle();
  const runAt = clock.wall() + 5_000;
  await other.commit.write((tx) => insertTask(tx, task({ id: "later", runAt })));
  await clock.tick(4_900);
  expect(got).toEqual(["now"]);
  await clock.tick(110);
  await receiving;
  expect(got).toEqual(["now", "later"]);

  expect(await actOn(other, "q", "cancel", { ids: ["later"] }, clock.wall())).toBe(1);
  await clock.tick(1_000);
  expect(cancelled).toEqual(["later"]);

  await driver.inspector.pause("q");
  receiving = receive();
  await driver.enqueue([task({ id: "paused" })]);
  await clock.tick(3_000);
  expect(got).toEqual(["now", "later"]);
  await other.commit.write((tx) => other.ask.run("UPDATE queues SET paused = 0 WHERE id = ?", tx.queue("q")));
  await clock.tick(1_000);
  await receiving;
  expect(got).toEqual(["now", "later", "paused"]);

  await other.close();
  await driver.close();
  expect(clock.pending).toBe(0);
});

test("sqlite: nothing is done more than once a second while nothing happens, however many wait", async () => {
  using dir = tempDir();
  const clock = new FakeClock();
  let timers = 0;
  const counted = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after: (ms: number, callback: () => void) => {
      timers++;
      return clock.after(ms, callback);
    },
  };
  const driver = openSqlite({
    name: "main",
    url: `sqlite:${dir.path}/queue.db`,
    clock: counted,
    random: seeded(4),
    log: silent,
    owner: newOwner(),
    onConnection: () => {},
  });
  await driver.connect();
  const stop = new AbortController();
  for (let each = 0; each < 10; each++) {
    const receiver = driver.subscribe({
      consumer: `c${each}`,
      queues: [{ queue: `q${each}`, weight: 1 }],
      strict: false,
      lease: 30_000,
      concurrency: 1,
      onCancel() {},
    });
    void receiver.receive(1, stop.signal);
  }
  await clock.tick(5_000);
  timers = 0;
  await clock.tick(30_000);
  expect(timers).toBe(30);
  stop.abort();
  await driver.close();
  expect(clock.pending).toBe(0);
});
