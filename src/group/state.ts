import type { Verdict } from "./restart.ts";

/**
 * The life of one service. Each state holds only what is true in it; every new generation passes
 * `loading`, and nothing that was started reaches an end without passing `stopping`.
 *
 *     pending → loading → pending (dependencies) → starting → ready ⇄ unhealthy
 *                  any of these → stopping → stopped | completed | backoff | quarantined | failed
 *                                                       backoff, quarantined → loading
 */
export type ChildState =
  /** Generation 0: nothing exists yet. Later ones: loaded, and waiting for its turn. */
  | { readonly tag: "pending"; readonly generation: number }
  | { readonly tag: "loading"; readonly generation: number }
  | { readonly tag: "starting"; readonly generation: number }
  | { readonly tag: "ready"; readonly generation: number }
  | { readonly tag: "unhealthy"; readonly generation: number; readonly reason: string }
  | { readonly tag: "stopping"; readonly generation: number; readonly goal: StopGoal }
  | { readonly tag: "stopped"; readonly generation: number }
  | {
      readonly tag: "backoff" | "quarantined";
      readonly generation: number;
      readonly error: unknown;
      readonly delay: number;
    }
  | { readonly tag: "completed"; readonly generation: number }
  | { readonly tag: "failed"; readonly generation: number; readonly error: unknown };

/** What the end of a generation leads to. */
export type StopGoal =
  | { readonly tag: "stop" }
  | { readonly tag: "complete" }
  | { readonly tag: "recover"; readonly error: unknown };

export type ChildEvent =
  /** A new generation begins; also the retry after backoff and quarantine. */
  | { readonly tag: "load" }
  /** `init` is done; the service waits for its turn. */
  | { readonly tag: "loaded" }
  | { readonly tag: "begin" }
  | { readonly tag: "ready" }
  | { readonly tag: "unwell"; readonly reason: string }
  | { readonly tag: "well" }
  | { readonly tag: "failed"; readonly error: unknown }
  | { readonly tag: "completed" }
  | { readonly tag: "stop" }
  /** The generation has ended; `verdict` says what becomes of a failure. */
  | { readonly tag: "ended"; readonly verdict: Verdict };

/** Where `event` leads from `state`. An event that means nothing here (a late one) returns the same object. */
export function next(state: ChildState, event: ChildEvent): ChildState {
  const { generation } = state;
  switch (state.tag) {
    case "pending":
      if (event.tag === "load" && generation === 0) return { tag: "loading", generation: 1 };
      if (event.tag === "begin" && generation > 0) return { tag: "starting", generation };
      if (event.tag === "stop" && generation === 0) return { tag: "stopped", generation };
      return generation > 0 ? ending(state, event) : state;
    case "loading":
      return event.tag === "loaded" ? { tag: "pending", generation } : ending(state, event);
    case "starting":
      return event.tag === "ready" ? { tag: "ready", generation } : ending(state, event);
    case "ready":
      if (event.tag === "unwell") return { tag: "unhealthy", generation, reason: event.reason };
      return ending(state, event);
    case "unhealthy":
      if (event.tag === "well") return { tag: "ready", generation };
      return ending(state, event);
    case "stopping":
      if (event.tag === "stop" && state.goal.tag === "recover") {
        return { tag: "stopping", generation, goal: { tag: "stop" } };
      }
      return event.tag === "ended" ? afterEnd(generation, state.goal, event.verdict) : state;
    case "backoff":
    case "quarantined":
      if (event.tag === "load") return { tag: "loading", generation: generation + 1 };
      return event.tag === "stop" ? { tag: "stopped", generation } : state;
    case "stopped":
    case "completed":
    case "failed":
      return state;
  }
}

/** Terminal states change no more by themselves. */
export function isOver(state: ChildState): boolean {
  return state.tag === "stopped" || state.tag === "completed" || state.tag === "failed";
}

/** Whether a generation exists that was loaded and has not ended. */
export function isAlive(state: ChildState): boolean {
  return !isOver(state) && state.tag !== "backoff" && state.tag !== "quarantined" && state.generation > 0;
}

function ending(state: ChildState, event: ChildEvent): ChildState {
  const { generation } = state;
  switch (event.tag) {
    case "stop":
      return { tag: "stopping", generation, goal: { tag: "stop" } };
    case "failed":
      return { tag: "stopping", generation, goal: { tag: "recover", error: event.error } };
    case "completed":
      return { tag: "stopping", generation, goal: { tag: "complete" } };
    default:
      return state;
  }
}

function afterEnd(generation: number, goal: StopGoal, verdict: Verdict): ChildState {
  if (goal.tag === "stop") return { tag: "stopped", generation };
  const error = goal.tag === "recover" ? goal.error : undefined;
  switch (verdict.tag) {
    case "retry":
      return { tag: "backoff", generation, error, delay: verdict.delay };
    case "quarantine":
      return { tag: "quarantined", generation, error, delay: verdict.delay };
    case "giveUp":
      return goal.tag === "complete"
        ? { tag: "completed", generation }
        : { tag: "failed", generation, error };
  }
}
