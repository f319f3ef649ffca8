import type {
  Delivery,
  Driver,
  GroupSet,
  Inspector,
  Receiver,
  Settlement,
  SettleResult,
  Subscription,
} from "../../src/queue/driver.ts";
import type { ModelBroker } from "./model-broker.ts";

/** A driver over a ModelBroker that a test can stop, and that remembers what it was asked. */
export class ModelDriver {
  readonly broker: ModelBroker;
  /** Calls of it reject while it is away. */
  isAway = false;
  subscription: Subscription | undefined;
  isClosed = false;
  readonly beginCalls: (readonly Delivery[])[] = [];
  readonly settleCalls: (readonly Settlement[])[] = [];
  readonly asked: number[] = [];
  readonly progress: string[] = [];
  readonly recovered: string[] = [];
  extended = 0;
  /** Settlements wait until a test says `go`. */
  hold: Promise<void> | undefined;
  /** Groups that are due, whenever it is asked. */
  groups: readonly GroupSet[] = [];
  commitGroup: Receiver["commitGroup"] = async () => "settled";
  readonly releasedGroups: string[] = [];
  tasks: Inspector["tasks"] = async () => ({ tasks: [] });
  #wake: (() => void) | undefined;

  constructor(broker: ModelBroker) {
    this.broker = broker;
  }

  /** There is something to claim now. */
  wake(): void {
    this.#wake?.();
  }

  get driver(): Driver {
    return {
      connect: async () => {},
      recover: async (owners: readonly string[]) => {
        this.recovered.push(...owners);
        await this.hold;
      },
      inspector: { tasks: (...args: Parameters<Inspector["tasks"]>) => this.tasks(...args) },
      subscribe: (subscription: Subscription) => {
        this.subscription = subscription;
        return this.receiver;
      },
    } as unknown as Driver;
  }

  get receiver(): Receiver {
    return {
      receive: (max, signal) => this.#receive(max, signal),
      settle: async (settlements) => this.#settle(settlements),
      extend: async (deliveries) => this.#extend(deliveries),
      begin: async (deliveries) => this.#begin(deliveries),
      progress: async (_delivery: Delivery, text: string) => void this.progress.push(text),
      blockedKeys: async () => {
        this.#assertThere();
        return new Map([...this.broker.blocks].map(([key, id]) => [`q\0${key}`, id]));
      },
      dueGroups: async () => this.groups,
      commitGroup: (set, task) => this.commitGroup(set, task),
      releaseGroup: async ({ group }) => void this.releasedGroups.push(group),
      close: async () => {
        this.isClosed = true;
      },
    };
  }

  async #receive(max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    this.asked.push(max);
    while (!signal.aborted) {
      this.#assertThere();
      const deliveries = this.broker.claim(max);
      if (deliveries.length > 0) return deliveries;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return [];
  }

  async #settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    this.settleCalls.push(settlements);
    await this.hold;
    this.#assertThere();
    const results = this.broker.settle(settlements);
    this.wake();
    return results;
  }

  async #begin(deliveries: readonly Delivery[]): Promise<void> {
    this.beginCalls.push(deliveries);
    await this.hold;
    this.#assertThere();
    this.broker.begin(deliveries);
  }

  #extend(deliveries: readonly Delivery[]): readonly Delivery[] {
    this.extended++;
    this.#assertThere();
    return this.broker.extend(deliveries);
  }

  #assertThere(): void {
    if (this.isAway) throw new Error("the broker is away");
  }
}
