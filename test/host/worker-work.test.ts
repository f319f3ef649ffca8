import { expect, test } from "bun:test";
import type { ConsumerStats } from "../../src/core/consumer-stats.ts";
import type { ServicePlan } from "../../src/core/plan.ts";
import type { ServiceWork } from "../../src/core/service-work.ts";
import type { HostReport } from "../../src/group/host.ts";
import { WorkerHost } from "../../src/host/worker.ts";
import type { WorkerPool } from "../../src/host/worker-pool.ts";
import type { Vitals } from "../../src/host/worker-protocol.ts";
import type { ThreadOwner, WorkerThread } from "../../src/host/worker-thread.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

/** A thread that does what it is told, and tells what a test says. */
class FakeThread {
  readonly instance: number;
  readonly vitals: Vitals = new Int32Array(new SharedArrayBuffer(64));
  readonly link = { busy: 0 };
  readonly imported = Promise.resolve();
  owner: ThreadOwner | undefined;
  work: ServiceWork | undefined;
  isGone = false;

  constructor(instance: number) {
    this.instance = instance;
  }

  async load() {}
  async start() {
    return { probes: false, fetches: false };
  }
  async stop() {}
  drained() {}
  tell() {}
  async terminate() {
    this.owner = undefined;
    this.isGone = true;
  }

  does(done: number, active: number): void {
    const none = { counts: [], sum: 0 };
    this.work = { consumer: { done, active, latency: none, duration: none } as unknown as ConsumerStats };
    this.owner?.worked();
  }

  dies(): void {
    this.isGone = true;
    this.owner?.fault(this as unknown as WorkerThread, new Error("killed"), true);
  }
}

async function started(instances: number) {
  const threads = Array.from({ length: instances }, (_, index) => new FakeThread(index + 1));
  const told: ServiceWork[] = [];
  const failures: unknown[] = [];
  const log = { error() {}, warn() {} };
  const host = new WorkerHost({
    service: {
      name: "mails",
      health: { timeout: 1_000, failures: 60 },
      worker: { instances },
    } as ServicePlan,
    generation: 1,
    pool: {
      take: () => [...threads],
      create: (_: ServicePlan, instance: number) => {
        threads.push(new FakeThread(instance));
        return threads.at(-1);
      },
    } as unknown as WorkerPool,
    prepare: async () => {},
    serving() {},
    ended() {},
    log: log as never,
    clock: new FakeClock(),
    mark: 1,
    report: { failed: (error: unknown) => failures.push(error), completed() {}, troubled() {} } as HostReport,
    worked: (work) => told.push(work),
  });
  await host.load();
  await host.start();
  const last = () => {
    const { done, active } = (told.at(-1) as ServiceWork).consumer as ConsumerStats;
    return { done, active };
  };
  return { host, threads: threads as [FakeThread, FakeThread, FakeThread], last, failures };
}

test("a thread that dies among others is active no more, and what it has done still counts", async () => {
  const { threads, last, failures } = await started(2);
  threads[0].does(5, 3);
  threads[1].does(7, 1);
  expect(last()).toEqual({ done: 12, active: 4 });
  threads[0].dies();
  expect(last()).toEqual({ done: 12, active: 1 });
  await settle();
  threads[2].does(2, 1);
  expect(last()).toEqual({ done: 14, active: 2 });
  expect(failures).toEqual([]);
});

test("when the only thread dies, and when all are ended, nothing is active any more", async () => {
  const alone = await started(1);
  alone.threads[0].does(5, 3);
  alone.threads[0].dies();
  expect(alone.last()).toEqual({ done: 5, active: 0 });
  expect(alone.failures).toHaveLength(1);
  const cut = await started(2);
  for (const thread of cut.threads) thread.does(5, 3);
  cut.host.abandon();
  expect(cut.last()).toEqual({ done: 10, active: 0 });
});
