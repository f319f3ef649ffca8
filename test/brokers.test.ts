import { afterAll, describe, expect, test } from "bun:test";
import { createBrokers } from "../src/brokers.ts";
import type { LogRecord } from "../src/core/log.ts";
import { createLogger } from "../src/core/log.ts";
import type { BrokerPlan } from "../src/core/plan.ts";
import { FakeClock, settle } from "./support/fake-clock.ts";
import { tempDir } from "./support/temp-dir.ts";

const folder = tempDir({});
afterAll(() => folder[Symbol.dispose]());
const memory = (name: string): BrokerPlan => ({ name, scheme: "memory", url: "memory:" });
const file = (name: string, path: string): BrokerPlan => ({
  name,
  scheme: "sqlite",
  url: `sqlite:${folder.path}/${path}`,
});

function brokersOf(...brokers: BrokerPlan[]) {
  const clock = new FakeClock();
  const records: LogRecord[] = [];
  const log = createLogger((record) => records.push(record), clock.wall.bind(clock));
  return { ...{ records }, brokers: createBrokers({ brokers, clock, random: () => 0.5, log }) };
}

describe("createBrokers()", () => {
  test("opens a driver when it is first asked for, and gives the same one from then on", async () => {
    const { brokers } = brokersOf(memory("main"), memory("other"));
    expect(brokers.names).toEqual(["main", "other"]);
    const driver = await brokers.driver("main");
    expect(await brokers.driver("main")).toBe(driver);
    expect(await brokers.driver("other")).not.toBe(driver);
    await brokers.closeAll();
  });

  test("driver() of a name that the plan does not have rejects", async () => {
    const { brokers } = brokersOf(memory("main"));
    await expect(brokers.driver("mian")).rejects.toMatchObject({
      code: "UNKNOWN_BROKER",
      message: 'There is no broker "mian"',
    });
  });

  test("queue() enqueues into its broker, and is the same object each time", async () => {
    const { brokers } = brokersOf(memory("enqueued"));
    const queue = brokers.queue("enqueued");
    expect(brokers.queue("enqueued")).toBe(queue);
    const { id } = await queue.enqueue("mail", { to: "a" });
    expect(await queue.find(id)).toMatchObject({ type: "mail", state: "pending" });
    await brokers.closeAll();
  });

  test("a broker with another URL is another driver, and its queue goes there", async () => {
    const { brokers } = brokersOf(file("main", "a.db"));
    const queue = brokers.queue("main");
    const first = await brokers.driver("main");
    const { id } = await queue.enqueue("mail", {});
    brokers.adopt([file("main", "b.db")]);
    expect(await queue.find(id)).toBeUndefined();
    expect(await brokers.driver("main")).not.toBe(first);
    await brokers.closeUnused();
    brokers.adopt([file("main", "a.db")]);
    expect(await queue.find(id)).toMatchObject({ type: "mail" });
    await brokers.closeAll();
  });

  test("closeAll() of a broker that is away is no news of it", async () => {
    const { brokers, records } = brokersOf({ name: "main", scheme: "redis", url: "redis://127.0.0.1:1" });
    const told: (string | undefined)[] = [];
    brokers.watch("main", (trouble) => told.push(trouble));
    await brokers.driver("main");
    await brokers.closeAll();
    await settle();
    expect(records.map(({ level }) => level)).toEqual(["warn"]);
    expect(told).toHaveLength(1);
  });

  test("watch() tells why a broker is away, now and at each change; the log has one line of it", async () => {
    const { brokers, records } = brokersOf({
      name: "cache",
      scheme: "redis",
      url: "redis://:topsecret@127.0.0.1:1/0",
    });
    const told: (string | undefined)[] = [];
    brokers.watch("cache", (trouble) => told.push(trouble));
    await brokers.driver("cache");
    for (let turn = 0; turn < 200 && told.length === 0; turn++)
      await new Promise((done) => setTimeout(done, 10));
    expect(told[0]).toStartWith('broker "cache" is away: ');
    expect(JSON.stringify([told, records])).not.toContain("topsecret");
    const late: (string | undefined)[] = [];
    const stop = brokers.watch("cache", (trouble) => late.push(trouble));
    expect(late).toEqual([told.at(-1)]);
    stop();
    expect(records.filter(({ level }) => level === "warn").length).toBe(1);
    await brokers.closeAll();
    await settle();
  });
});
