import { expect, test } from "bun:test";
import type { ConsumePlan, ServicePlan } from "../../src/core/plan.ts";
import { lackOf } from "../../src/modules/lacks.ts";

const hook = () => {};
const consume = { broker: "main", queues: [] } as Partial<ConsumePlan> as ConsumePlan;
const reached = (by: Partial<ServicePlan>) => ({ name: "jobs", ...by }) as ServicePlan;
const schedule = { cron: "@daily" } as NonNullable<ServicePlan["schedule"]>;

test.each([
  [
    "consume without a handler",
    { consume },
    { start: hook },
    "it has consume: but its module exports no consume() and no tasks",
  ],
  [
    "batches without consumeBatch",
    { consume: { ...consume, batch: { size: 2, wait: 0 } } },
    { consume: hook },
    "it has consume: but its module exports no consumeBatch()",
  ],
  [
    "groups without aggregate",
    { consume: { ...consume, groups: { grace: 1, maxDelay: 0, maxSize: 0 } } },
    { consume: hook },
    "it has consume: but its module exports no aggregate()",
  ],
  [
    "a schedule without scheduled",
    { schedule },
    { consume: hook },
    "it has schedule: but its module exports no scheduled()",
  ],
  [
    "an address without fetch",
    { http: {} as NonNullable<ServicePlan["http"]> },
    { start: hook },
    "it has http: but its module exports no fetch()",
  ],
] as const)("lackOf() says what is missing for %s", (_, by, exported, message) => {
  const lack = lackOf(reached(by), exported);
  expect(lack?.message).toBe(message);
  expect(lack?.code).toBe("NOT_A_SERVICE");
  expect(lack?.hint).toContain("services.jobs.");
});

test.each([
  ["consume", { consume }, { consume: hook }],
  ["tasks", { consume }, { tasks: { a: hook } }],
  [
    "a schedule that enqueues",
    { schedule: { ...schedule, enqueue: { type: "x", payload: {}, queue: "q" } } },
    { start: hook },
  ],
  ["scheduled", { schedule }, { scheduled: hook }],
  ["a class, which is looked at when there is an instance", { consume }, class {}],
] as const)("lackOf() finds nothing missing for %s", (_, by, exported) => {
  expect(lackOf(reached(by), exported)).toBeUndefined();
});
