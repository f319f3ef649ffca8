import { setImmediate as nextTurn } from "node:timers/promises";
import type { TaskFilter, TaskState } from "../../../core/task.ts";
import type { Filtered } from "../task-view.ts";
import { isMeant, placeAfter } from "../task-view.ts";
import { lanes } from "./schema.ts";
import type { Store } from "./store.ts";

/** A task that a filter means, and where it was found. */
export interface Found {
  readonly seq: number;
  readonly id: string;
  readonly lane: number;
  readonly state: TaskState;
  /** What to pass to go on behind it. */
  readonly cursor: string;
}

export interface Scan {
  readonly queue: number;
  readonly filter: TaskFilter;
  readonly states: readonly TaskState[];
  readonly now: number;
  readonly after?: string;
}

/** How many tasks are looked at before others have their turn. */
const slice = 500;

/** All that are meant, in slices, in the order of `sources`; within one by their place. */
export async function* scan(
  store: Store,
  { queue, filter, states, now, after }: Scan,
): AsyncGenerator<Found[]> {
  const [first = 0, time, seq] = after === undefined ? [] : placeAfter(after, cursorForm).map(Number);
  for (const [index, source] of sources.entries()) {
    const isWanted = states.includes(source.state) && (filter.state ?? source.state) === source.state;
    if (index < first || !isWanted) continue;
    let from = index === first && time !== undefined && seq !== undefined ? [time, seq] : startOf(source);
    for (;;) {
      const rows = await store.commit.read(() =>
        store.ask.all(textOf(source), queue, source.lane, ...from, now),
      );
      yield rows.flatMap((row) => {
        const place = { seq: Number(row.seq), id: String(row.id), lane: source.lane, state: source.state };
        const cursor = `${index}:${row.run_at}:${row.seq}`;
        return isMeant(filtered(row, source.state), filter) ? [{ ...place, cursor }] : [];
      });
      const last = rows.at(-1);
      if (!last || rows.length < slice) break;
      from = [Number(last.run_at), Number(last.seq)];
      await nextTurn();
    }
  }
}

const cursorForm = /^(\d+):(\d+):(\d+)$/;

/** Those of `filter.ids`, by looking them up. */
export async function find(store: Store, { queue, filter, states, now }: Scan): Promise<Found[]> {
  const ids = [...new Set(filter.ids ?? [])];
  return store.commit.read(() =>
    ids.flatMap((id) => {
      const row = store.ask.one(`SELECT ${narrow} FROM tasks WHERE queue = ? AND id = ?`, queue, id);
      if (!row) return [];
      const state = stateOf(Number(row.lane), Number(row.run_at), row.failed_at !== null, now);
      if (!states.includes(state) || !isMeant(filtered(row, state), filter)) return [];
      return [{ seq: Number(row.seq), id, lane: Number(row.lane), state, cursor: "" }];
    }),
  );
}

/** What operators call the place of a task: one whose time has come is pending. */
export function stateOf(lane: number, runAt: number, hasFailed: boolean, now: number): TaskState {
  if (lane === lanes.waiting && runAt > now) return hasFailed ? "retry" : "scheduled";
  const names: readonly TaskState[] = [
    "pending",
    "active",
    "pending",
    "aggregating",
    "archived",
    "completed",
  ];
  return names[lane] ?? "pending";
}

interface Source {
  readonly state: TaskState;
  readonly lane: number;
  readonly where: string;
  /** The newest first. */
  readonly backwards?: true;
}

// Held tasks run after those that nothing holds.
const sources: readonly Source[] = [
  { state: "pending", lane: lanes.waiting, where: "run_at <= ?" },
  { state: "pending", lane: lanes.held, where: "? > 0" },
  { state: "active", lane: lanes.active, where: "? > 0" },
  { state: "scheduled", lane: lanes.waiting, where: "run_at > ? AND failed_at IS NULL" },
  { state: "retry", lane: lanes.waiting, where: "run_at > ? AND failed_at IS NOT NULL" },
  { state: "archived", lane: lanes.archived, where: "? > 0", backwards: true },
  { state: "completed", lane: lanes.completed, where: "expires > ?", backwards: true },
  { state: "aggregating", lane: lanes.aggregating, where: "? > 0" },
];

const narrow = "seq, id, type, lane, run_at, enqueued_at, failed_at, last_error";

function textOf({ where, backwards }: Source): string {
  const [beyond, order] = backwards ? ["<", "DESC"] : [">", "ASC"];
  return `SELECT ${narrow} FROM tasks INDEXED BY by_run
    WHERE queue = ? AND lane = ? AND (run_at, seq) ${beyond} (?, ?) AND ${where}
    ORDER BY run_at ${order}, seq ${order} LIMIT ${slice}`;
}

function startOf({ backwards }: Source): [number, number] {
  return backwards ? [Number.MAX_SAFE_INTEGER, 0] : [-1, 0];
}

function filtered(row: Record<string, unknown>, state: TaskState): Filtered {
  const ended = state === "archived" || state === "completed" ? row.run_at : undefined;
  const failed = state === "archived" || state === "retry" ? row.failed_at : undefined;
  return {
    id: String(row.id),
    type: String(row.type),
    state,
    since: Number(failed ?? ended ?? row.enqueued_at),
    ...(row.last_error === null ? {} : { lastError: String(row.last_error) }),
  };
}
