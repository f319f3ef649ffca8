import type { Verdict } from "./restart.ts";

/**
 * The life of one service. Each state holds only what is true in it; every new generation passes
 * `loading`, or comes up beside the serving one (`replacement.ts`), and nothing that was started reaches an end
 * without passing `stopping`.
 *
 *     pending → loading → pending (dependencies) → starting → ready ⇄ unhealthy
 *                  any of these → stopping → stopped | completed | backoff | quarantined | failed
 *                                        any of those → loading
 *     ready and whatever can follow it by itself → ready, with the generation that replaces it
 */
export type ChildState =
  /** Generation 0: nothing exists yet. Later ones: loaded, and waiting for its turn. */
  | { readonly tag: "pending"; readonly generation: number }
  | { readonly tag: "loading"; readonly generation: number }
  | { readonly tag: "starting"; readonly generation: number }
  | { readonly tag: "ready"; readonly generation: number }
  | {
      readonly tag: "unhealthy";
      readonly generation: number;
      readonly reason: string;
      /** Its work cannot reach it, which is no fault of its own: nothing is counted until that is over. */
      readonly trouble?: true;
    }
  | { readonly tag: "stopping"; readonly generation: number; readonly goal: StopGoal }
  | { readonly tag: "stopped"; readonly generation: number; readonly by?: "operator" }
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
  | { readonly tag: "stop"; readonly by?: "operator" }
  | { readonly tag: "complete" }
  | { readonly tag: "recover"; readonly error: unknown };

export type ChildEvent =
  /** A new generation begins; its number is higher than any before. Also the retry after backoff and quarantine. */
  | { readonly tag: "load"; readonly generation: number }
  /** `init` is done; the service waits for its turn. */
  | { readonly tag: "loaded" }
  | { readonly tag: "begin" }
  /** `trouble`: as in `troubled`, from before it was ready. */
  | { readonly tag: "ready"; readonly trouble?: string }
  | { readonly tag: "unwell"; readonly reason: string }
  | { readonly tag: "well" }
  /** A broker that its work comes from is away; and is there again. */
  | { readonly tag: "troubled"; readonly reason: string }
  | { readonly tag: "untroubled" }
  | { readonly tag: "failed"; readonly error: unknown }
  | { readonly tag: "completed" }
  /** Another generation, which came up beside this one, serves from now on. */
  | { readonly tag: "replaced"; readonly generation: number; readonly trouble?: string }
  /** `by`: absent when the whole group stops. */
  | { readonly tag: "stop"; readonly by?: "operator" }
  /** The generation has ended; `verdict` says what becomes of a failure. */
  | { readonly tag: "ended"; readonly verdict: Verdict };

/** Where `event` leads from `state`. An event that means nothing here (a late one) returns the same object. */
export function next(state: ChildState, event: ChildEvent): ChildState {
  const { generation } = state;
  switch (state.tag) {
    case "pending":
      if (generation === 0) return unborn(state, event);
      return event.tag === "begin" ? { tag: "starting", generation } : ending(state, event);
    case "loading":
      return event.tag === "loaded" ? { tag: "pending", generation } : ending(state, event);
    case "starting":
      return event.tag === "ready" ? serving(generation, event.trouble) : ending(state, event);
    case "ready":
      if (event.tag === "unwell") return { tag: "unhealthy", generation, reason: event.reason };
      if (event.tag === "troubled") return serving(generation, event.reason);
      return replaced(state, event) ?? ending(state, event);
    case "unhealthy":
      return whileUnhealthy(state, event);
    case "stopping":
      return whileStopping(state, event);
    case "backoff":
    case "quarantined":
      if (event.tag === "stop") return stopped(generation, event.by);
      return replaced(state, event) ?? reborn(state, event);
    case "completed":
    case "failed":
      return replaced(state, event) ?? reborn(state, event);
    case "stopped":
      return reborn(state, event);
  }
}

/** Whether nothing more happens to it by itself. */
export function isOver(state: ChildState): boolean {
  return state.tag === "stopped" || state.tag === "completed" || state.tag === "failed";
}

/** Whether a generation exists that was loaded and has not ended. */
export function isAlive(state: ChildState): boolean {
  return !isOver(state) && state.tag !== "backoff" && state.tag !== "quarantined" && state.generation > 0;
}

/** Whether work may reach it. */
export function isServing({ tag }: ChildState): boolean {
  return tag === "ready" || tag === "unhealthy";
}

/** Whether it serves, and what its work comes from is away. */
export function isTroubled(state: ChildState): boolean {
  return state.tag === "unhealthy" && state.trouble === true;
}

/** Whether an operator has stopped it, or is about to. */
export function isHeldBack(state: ChildState): boolean {
  if (state.tag === "stopped") return state.by === "operator";
  return state.tag === "stopping" && state.goal.tag === "stop" && state.goal.by === "operator";
}

function unborn(state: ChildState, event: ChildEvent): ChildState {
  return event.tag === "stop" ? stopped(state.generation, event.by) : reborn(state, event);
}

function reborn(state: ChildState, event: ChildEvent): ChildState {
  if (event.tag !== "load" || event.generation <= state.generation) return state;
  return { tag: "loading", generation: event.generation };
}

function replaced(state: ChildState, event: ChildEvent): ChildState | undefined {
  if (event.tag !== "replaced" || event.generation <= state.generation) return undefined;
  return serving(event.generation, event.trouble);
}

function serving(generation: number, trouble: string | undefined): ChildState {
  if (trouble === undefined) return { tag: "ready", generation };
  return { tag: "unhealthy", generation, reason: trouble, trouble: true };
}

function whileUnhealthy(state: Extract<ChildState, { tag: "unhealthy" }>, event: ChildEvent): ChildState {
  const { generation } = state;
  if (event.tag === "troubled") {
    return state.trouble && state.reason === event.reason ? state : serving(generation, event.reason);
  }
  if (event.tag === (state.trouble ? "untroubled" : "well")) return { tag: "ready", generation };
  return replaced(state, event) ?? ending(state, event);
}

function ending(state: ChildState, event: ChildEvent): ChildState {
  const { generation } = state;
  switch (event.tag) {
    case "stop":
      return { tag: "stopping", generation, goal: stopGoal(event.by) };
    case "failed":
      return { tag: "stopping", generation, goal: { tag: "recover", error: event.error } };
    case "completed":
      return { tag: "stopping", generation, goal: { tag: "complete" } };
    default:
      return state;
  }
}

function whileStopping(state: Extract<ChildState, { tag: "stopping" }>, event: ChildEvent): ChildState {
  const { generation, goal } = state;
  if (event.tag === "ended") return afterEnd(generation, goal, event.verdict);
  if (goal.tag === "stop") return state;
  // What has completed keeps that name when the group stops; an operator wants it to stay away.
  if (event.tag === "stop" && (event.by || goal.tag === "recover")) {
    return { tag: "stopping", generation, goal: stopGoal(event.by) };
  }
  return replaced(state, event) ?? state;
}

function afterEnd(generation: number, goal: StopGoal, verdict: Verdict): ChildState {
  if (goal.tag === "stop") return stopped(generation, goal.by);
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

function stopped(generation: number, by: "operator" | undefined): ChildState {
  return by ? { tag: "stopped", generation, by } : { tag: "stopped", generation };
}

function stopGoal(by: "operator" | undefined): StopGoal {
  return by ? { tag: "stop", by } : { tag: "stop" };
}
