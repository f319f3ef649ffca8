import type { Driver, EnqueueResult, Inspector, NewTask } from "../../src/queue/driver.ts";

/** A driver that remembers what it was asked, and answers what the test says. */
export interface ScriptedDriver extends Driver {
  readonly calls: (readonly NewTask[])[];
  answer: (tasks: readonly NewTask[]) => Promise<readonly EnqueueResult[]>;
}

export function scriptedDriver(inspector: Partial<Inspector> = {}): ScriptedDriver {
  const driver: ScriptedDriver = {
    calls: [],
    answer: async (tasks) =>
      tasks.map((task) => ({ tag: "enqueued", state: task.runAt === undefined ? "pending" : "scheduled" })),
    connect: async () => {},
    enqueue(tasks) {
      driver.calls.push(tasks);
      return driver.answer(tasks);
    },
    recover: async () => {},
    subscribe: () => unasked("subscribe"),
    inspector: new Proxy(inspector as Inspector, {
      get: (target, name) => Reflect.get(target, name) ?? (() => unasked(String(name))),
    }),
    get schedules() {
      return unasked("schedules");
    },
    close: async () => {},
  };
  return driver;
}

function unasked(what: string): never {
  throw new Error(`the test did not expect ${what}`);
}
