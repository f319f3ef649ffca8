import { createFloor } from "../../src/core/floor.ts";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import type { ConsumePlan } from "../../src/core/plan.ts";
import type { Delivery } from "../../src/queue/driver.ts";
import type { QueueIntake } from "../../src/queue/queue-intake.ts";
import { createQueueIntake } from "../../src/queue/queue-intake.ts";
import type { Context, Service } from "../../src/service/contract.ts";
import type { IntakeTarget } from "../../src/service/intake.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { ModelBroker } from "./model-broker.ts";
import { ModelDriver } from "./model-driver.ts";

export const plan: ConsumePlan = {
  broker: "main",
  queues: [{ queue: "q", weight: 1 }],
  strict: false,
  concurrency: 2,
  buffer: 16,
  timeout: 0,
  lease: 30_000,
  retry: { backoff: { min: 1_000, max: 600_000, factor: 2 } },
};

/** An intake on a broker that a test owns, with its clock. */
export class Site {
  readonly clock = new FakeClock();
  readonly broker = new ModelBroker();
  readonly model = new ModelDriver(this.broker);
  readonly records: LogRecord[] = [];
  readonly troubles: (string | undefined)[] = [];
  /** How often code of the service was entered. */
  entered = 0;
  readonly intake: QueueIntake;

  constructor(changes: Partial<ConsumePlan> = {}, floor = createFloor()) {
    this.broker.now = this.clock.wall();
    this.intake = createQueueIntake({
      service: "orders",
      plan: { ...plan, ...changes },
      driver: () => this.model.driver,
      floor,
      clock: this.clock,
      random: () => 0.5,
      log: createLogger(
        (record) => this.records.push(record),
        () => 0,
      ),
      trouble: (reason) => this.troubles.push(reason),
    });
  }

  target(service: Service): IntakeTarget {
    const log = createLogger(
      (record) => this.records.push(record),
      () => 0,
    );
    return {
      scope: { service: "orders", generation: 1, log, beacon: 1, failed() {} },
      life: {
        service,
        ctx: { name: "orders" } as Context,
        enter: (work) => {
          this.entered++;
          return work();
        },
      },
    };
  }

  /** As an inline host does it. */
  async open(service: Service) {
    await this.intake.join?.();
    const lease = this.intake.open(this.target(service));
    await this.rest();
    return lease;
  }

  enqueue(count: number, key?: string, fields: Partial<Delivery> = {}): void {
    for (let n = 0; n < count; n++) this.broker.enqueue(key, fields);
    this.model.wake();
  }

  /** Everything that needs no time happens. */
  async rest(): Promise<void> {
    for (let n = 0; n < 10; n++) await settle();
  }

  async pass(ms: number): Promise<void> {
    for (const until = this.clock.wall() + ms; this.clock.wall() < until; ) {
      const step = Math.min(1_000, until - this.clock.wall());
      await this.clock.tick(step);
      this.broker.now = this.clock.wall();
      this.model.wake();
      await this.rest();
    }
  }

  states(): string[] {
    return this.broker.tasks.map(({ state }) => state);
  }
}

/** Handlers that a test ends one by one. */
export class Desk {
  readonly begun: string[] = [];
  readonly open = new Map<string, PromiseWithResolvers<unknown>>();

  readonly consume = (message: { readonly id: string }): Promise<unknown> => {
    const end = Promise.withResolvers<unknown>();
    this.begun.push(message.id);
    this.open.set(message.id, end);
    return end.promise;
  };

  end(id: string, value?: unknown): void {
    this.open.get(id)?.resolve(value);
    this.open.delete(id);
  }

  fail(id: string, error: unknown): void {
    this.open.get(id)?.reject(error);
    this.open.delete(id);
  }
}
