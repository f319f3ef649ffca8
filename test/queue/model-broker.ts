import type { Delivery, Settlement, SettleResult } from "../../src/queue/driver.ts";

interface Task {
  readonly id: string;
  readonly place: number;
  readonly key: string | undefined;
  state: "pending" | "active" | "retry" | "held" | "done" | "dead";
  retryAt: number;
  retried: number;
  crashes: number;
  /** The delivery that holds the lease. */
  lease: Delivery | undefined;
  /** That it begins was told since it was claimed. */
  begun: boolean;
}

/** What a broker promises, as plainly as can be: the other side of the engine in its tests. */
export class ModelBroker {
  now = 0;
  readonly tasks: Task[] = [];
  /** Ids that no next step can have. */
  readonly takenIds = new Set<string>();
  readonly blocks = new Map<string, string>();
  /** How often each delivery was settled. */
  readonly settlements = new Map<Delivery, number>();
  readonly #claimed = new WeakMap<Delivery, Task>();

  enqueue(key?: string, fields: Partial<Delivery> = {}): Task {
    const place = this.tasks.length;
    const task: Task = {
      id: `t${place}`,
      place,
      key,
      state: "pending",
      retryAt: 0,
      retried: 0,
      crashes: 0,
      lease: undefined,
      begun: false,
    };
    this.#fields.set(task, fields);
    this.tasks.push(task);
    return task;
  }

  readonly #fields = new WeakMap<Task, Partial<Delivery>>();

  claim(max: number): Delivery[] {
    for (const task of this.tasks) {
      if (task.state === "retry" && task.retryAt <= this.now) task.state = "pending";
    }
    return this.tasks
      .filter(({ state }) => state === "pending")
      .slice(0, max)
      .map((task) => this.#lease(task));
  }

  settle(settlements: readonly Settlement[]): SettleResult[] {
    return settlements.map((settlement) => {
      const { delivery } = settlement;
      this.settlements.set(delivery, (this.settlements.get(delivery) ?? 0) + 1);
      const task = this.#owned(delivery);
      if (!task) return "lost";
      task.lease = undefined;
      return this.#apply(task, settlement);
    });
  }

  extend(deliveries: readonly Delivery[]): Delivery[] {
    return deliveries.filter((delivery) => !this.#owned(delivery));
  }

  begin(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const task = this.#owned(delivery);
      if (task) task.begun = true;
    }
  }

  /** Its lease runs out: it is pending again, in its old place. */
  expire(delivery: Delivery): void {
    const task = this.#owned(delivery);
    if (!task) return;
    task.state = "pending";
    if (task.crashes === 0 || task.begun) task.crashes++;
    task.lease = undefined;
  }

  taskOf(delivery: Delivery): Task {
    return this.#claimed.get(delivery) as Task;
  }

  #owned(delivery: Delivery): Task | undefined {
    const task = this.#claimed.get(delivery);
    return task?.lease === delivery ? task : undefined;
  }

  #lease(task: Task): Delivery {
    const delivery: Delivery = {
      id: task.id,
      queue: "q",
      type: "test",
      payload: "{}",
      headers: {},
      enqueuedAt: 0,
      dueAt: 0,
      maxRetry: 25,
      timeout: 0,
      deadline: 0,
      retention: 0,
      ...this.#fields.get(task),
      retried: task.retried,
      crashes: task.crashes,
      ...(task.key === undefined ? {} : { key: task.key }),
    };
    task.state = "active";
    task.lease = delivery;
    task.begun = false;
    this.#claimed.set(delivery, task);
    return delivery;
  }

  #apply(task: Task, settlement: Settlement): SettleResult {
    const { unblocks, heir } = settlement;
    if (unblocks !== undefined && this.blocks.get(unblocks) === task.id) {
      const next = heir && this.#owned(heir);
      if (next) this.blocks.set(unblocks, next.id);
      else this.#unblock(unblocks);
    }
    switch (settlement.tag) {
      case "ack":
        if (settlement.next && this.takenIds.has(settlement.next.id)) {
          this.#apply(task, { ...settlement, tag: "dead", error: "taken" });
          return "archived";
        }
        task.state = "done";
        this.#over(task);
        break;
      case "dead":
        task.state = "dead";
        this.#over(task);
        break;
      case "release":
        task.state = "pending";
        break;
      case "retry":
        task.state = "retry";
        task.retryAt = settlement.at;
        if (settlement.counts) task.retried++;
        if (settlement.blocks !== undefined) this.blocks.set(settlement.blocks, task.id);
        break;
      case "hold": {
        const { key, behind } = settlement;
        const first = behind && this.#owned(behind);
        if (first && !this.blocks.has(key)) this.blocks.set(key, first.id);
        const isBlocked = this.blocks.has(key) && this.blocks.get(key) !== task.id;
        task.state = isBlocked ? "held" : "pending";
        return isBlocked ? "settled" : "released";
      }
    }
    return "settled";
  }

  /** Whoever settles it may not know that others wait for it. */
  #over(task: Task): void {
    for (const [key, id] of this.blocks) if (id === task.id) this.#unblock(key);
  }

  #unblock(key: string): void {
    this.blocks.delete(key);
    for (const task of this.tasks) if (task.state === "held" && task.key === key) task.state = "pending";
  }
}
