import { describe, expect, test } from "bun:test";
import type { ChildEvent, ChildState } from "../../src/group/state.ts";
import { isAlive, isHeldBack, isOver, isServing, isTroubled, next } from "../../src/group/state.ts";

const boom = new Error("boom");
const giveUp = { tag: "giveUp" } as const;
const generation = 3;

const pendingNew: ChildState = { tag: "pending", generation: 0 };
const pending: ChildState = { tag: "pending", generation };
const loading: ChildState = { tag: "loading", generation };
const starting: ChildState = { tag: "starting", generation };
const ready: ChildState = { tag: "ready", generation };
const unhealthy: ChildState = { tag: "unhealthy", generation, reason: "slow" };
const troubled: ChildState = { tag: "unhealthy", generation, reason: "broker away", trouble: true };
const toStop: ChildState = { tag: "stopping", generation, goal: { tag: "stop" } };
const toRecover: ChildState = { tag: "stopping", generation, goal: { tag: "recover", error: boom } };
const toComplete: ChildState = { tag: "stopping", generation, goal: { tag: "complete" } };
const toRest: ChildState = { tag: "stopping", generation, goal: { tag: "stop", by: "operator" } };
const backoff: ChildState = { tag: "backoff", generation, error: boom, delay: 100 };
const quarantined: ChildState = { tag: "quarantined", generation, error: boom, delay: 100 };
const stopped: ChildState = { tag: "stopped", generation };
const resting: ChildState = { tag: "stopped", generation, by: "operator" };
const completed: ChildState = { tag: "completed", generation };
const failed: ChildState = { tag: "failed", generation, error: boom };

const all = [
  pendingNew,
  pending,
  loading,
  starting,
  ready,
  unhealthy,
  troubled,
  toStop,
  toRecover,
  toComplete,
  toRest,
  backoff,
  quarantined,
  stopped,
  resting,
  completed,
  failed,
];

const events: Record<string, ChildEvent> = {
  load: { tag: "load", generation: 4 },
  "load of an old number": { tag: "load", generation: 0 },
  loaded: { tag: "loaded" },
  begin: { tag: "begin" },
  ready: { tag: "ready" },
  unwell: { tag: "unwell", reason: "slow" },
  well: { tag: "well" },
  "ready with trouble": { tag: "ready", trouble: "broker away" },
  troubled: { tag: "troubled", reason: "broker away" },
  "troubled in another way": { tag: "troubled", reason: "disk full" },
  untroubled: { tag: "untroubled" },
  "replaced with trouble": { tag: "replaced", generation: 4, trouble: "broker away" },
  failed: { tag: "failed", error: boom },
  completed: { tag: "completed" },
  replaced: { tag: "replaced", generation: 4 },
  "replaced by an old number": { tag: "replaced", generation: 0 },
  stop: { tag: "stop" },
  "stop by an operator": { tag: "stop", by: "operator" },
  "ended, retry": { tag: "ended", verdict: { tag: "retry", delay: 100 } },
  "ended, quarantine": { tag: "ended", verdict: { tag: "quarantine", delay: 100 } },
  "ended, give up": { tag: "ended", verdict: giveUp },
};

/** Every transition that exists; all others have to leave the state as it is. */
const table: [ChildState, keyof typeof events, ChildState][] = [
  [pendingNew, "stop", { tag: "stopped", generation: 0 }],
  [pendingNew, "stop by an operator", { tag: "stopped", generation: 0, by: "operator" }],
  [loading, "loaded", pending],
  [pending, "begin", starting],
  [starting, "ready", ready],
  [ready, "unwell", unhealthy],
  [unhealthy, "well", ready],
  [starting, "ready with trouble", troubled],
  [ready, "troubled", troubled],
  [unhealthy, "troubled", troubled],
  ...[ready, unhealthy, troubled].map((state): [ChildState, string, ChildState] => [
    state,
    "troubled in another way",
    { tag: "unhealthy", generation, reason: "disk full", trouble: true },
  ]),
  [troubled, "untroubled", ready],
  ...[pending, loading, starting, ready, unhealthy, troubled].flatMap(
    (state): [ChildState, string, ChildState][] => [
      [state, "stop", toStop],
      [state, "stop by an operator", toRest],
      [state, "failed", toRecover],
      [state, "completed", toComplete],
    ],
  ),
  [toRecover, "stop", toStop],
  [toRecover, "stop by an operator", toRest],
  [toComplete, "stop by an operator", toRest],
  ...["ended, retry", "ended, quarantine", "ended, give up"].map(
    (ended): [ChildState, string, ChildState] => [toStop, ended, stopped],
  ),
  ...["ended, retry", "ended, quarantine", "ended, give up"].map(
    (ended): [ChildState, string, ChildState] => [toRest, ended, resting],
  ),
  [toRecover, "ended, retry", backoff],
  [toRecover, "ended, quarantine", quarantined],
  [toRecover, "ended, give up", failed],
  [toComplete, "ended, give up", completed],
  [toComplete, "ended, retry", { tag: "backoff", generation, error: undefined, delay: 100 }],
  [toComplete, "ended, quarantine", { tag: "quarantined", generation, error: undefined, delay: 100 }],
  ...[pendingNew, backoff, quarantined, completed, failed, stopped, resting].map(
    (state): [ChildState, string, ChildState] => [state, "load", { tag: "loading", generation: 4 }],
  ),
  ...[ready, unhealthy, troubled, toRecover, toComplete, backoff, quarantined, completed, failed].flatMap(
    (state): [ChildState, string, ChildState][] => [
      [state, "replaced", { tag: "ready", generation: 4 }],
      [state, "replaced with trouble", { ...troubled, generation: 4 } as ChildState],
    ],
  ),
  [backoff, "stop", stopped],
  [backoff, "stop by an operator", resting],
  [quarantined, "stop", stopped],
  [quarantined, "stop by an operator", resting],
];

describe("next()", () => {
  for (const state of all) {
    for (const [name, event] of Object.entries(events)) {
      const row = table.find(([from, when]) => from === state && when === name);
      const goal = "goal" in state ? ` (${state.goal.tag})` : "";
      const by = state === toRest || state === resting ? " by an operator" : "";
      const why = state === troubled ? " by trouble" : "";
      const from = `${state.tag}${why}${goal}${by} ${state.generation}`;
      test(`${from} + ${name} → ${row ? row[2].tag : "unchanged"}`, () => {
        if (row) expect(next(state, event)).toEqual(row[2]);
        else expect(next(state, event)).toBe(state);
      });
    }
  }
});

test("isOver() holds for the three ends only", () => {
  expect(all.filter(isOver)).toEqual([stopped, resting, completed, failed]);
});

test("isAlive() holds while a generation exists that has not ended", () => {
  expect(all.filter(isAlive)).toEqual([
    pending,
    loading,
    starting,
    ready,
    unhealthy,
    troubled,
    toStop,
    toRecover,
    toComplete,
    toRest,
  ]);
});

test("isServing() holds while work may reach it, isHeldBack() while an operator keeps it away", () => {
  expect(all.filter(isServing)).toEqual([ready, unhealthy, troubled]);
  expect(all.filter(isTroubled)).toEqual([troubled]);
  expect(all.filter(isHeldBack)).toEqual([toRest, resting]);
});
