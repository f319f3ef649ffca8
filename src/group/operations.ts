import { resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { CommandError, StepAction, StepResult, Verb } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import { ProblemsError } from "../core/problem.ts";
import { describeProblem } from "../core/render-problems.ts";
import type { Child } from "./child.ts";
import { dependentsOf, heldNeed, unmet } from "./dependencies.ts";
import type { ChildEnd } from "./ending.ts";
import type { Member } from "./host.ts";
import { isAlive, isHeldBack, isServing } from "./state.ts";
import { createTurns } from "./turns.ts";

export interface World {
  readonly children: ReadonlyMap<string, Child>;
  readonly clock: Clock;
  readonly events: Events;
  readonly isStopping: () => boolean;
}

/** What was done to a service, and what came of it. */
export interface Done {
  readonly action: StepAction;
  readonly note?: string | undefined;
  /** Why it could not be done. */
  readonly error?: unknown;
}

/** What can be done to one service. Nothing here rejects but with a defect. */
export interface Operations {
  perform(verb: Verb, name: string): Promise<StepResult>;
  /** Does `work` when it is the turn of the service, and tells how it went. Never rejects. */
  step(name: string, action: StepAction, work: (child: Child) => Promise<Done>): Promise<StepResult>;
  /** Loads a new generation where none is alive, and waits until it is ready. */
  start(child: Child, action: StepAction, fresh: boolean): Promise<Done>;
  /** Another generation, of `member`, in place of what there is; `action` is what it is called. */
  replace(child: Child, member: Member, action: StepAction): Promise<Done>;
}

export function createOperations(world: World): Operations {
  const { children, clock, events, isStopping } = world;
  const inTurn = createTurns();

  async function step(name: string, action: StepAction, work: (child: Child) => Promise<Done>) {
    const since = clock.now();
    const done = await inTurn(name, () => attempt(name, action, work));
    const error = done.error === undefined ? undefined : asCommandError(name, done.error);
    const generation = children.get(name)?.state.generation;
    const result: StepResult = {
      subject: name,
      action: done.action,
      outcome: error ? "failed" : "done",
      ...(generation ? { generation } : {}),
      durationMs: Math.round(clock.now() - since),
      ...(done.note === undefined ? {} : { note: done.note }),
      ...(error ? { error } : {}),
    };
    return result;
  }

  async function attempt(
    name: string,
    action: StepAction,
    work: (child: Child) => Promise<Done>,
  ): Promise<Done> {
    const child = children.get(name);
    if (isStopping()) return { action, error: stoppingError(name) };
    if (!child) return { action, error: unknownService(name, [...children.keys()]) };
    try {
      const done = await work(child);
      return done.error !== undefined && child.isFinal ? { action, error: stoppingError(name) } : done;
    } catch (error) {
      return { action, error };
    }
  }

  function perform(verb: Verb, name: string): Promise<StepResult> {
    return step(name, verb, (child) => {
      switch (verb) {
        case "start":
          return start(child, "start", true);
        case "stop":
          return stop(child);
        case "restart":
          return isServing(child.state)
            ? replace(child, child.member, "restart")
            : start(child, "restart", true);
        case "pause":
        case "resume":
          return Promise.resolve(setPaused(child, verb));
      }
    });
  }

  async function start(child: Child, action: StepAction, fresh: boolean): Promise<Done> {
    const { member } = child;
    const held = heldNeed(children, member);
    if (isServing(child.state)) return { action: "unchanged", note: pausedNote(child) };
    // It failed a moment ago, and is still letting go of what it holds.
    await child.until(() => child.isFinal || child.state.tag !== "stopping", endless);
    if (child.isFinal) return { action, error: stoppingError(member.name) };
    if (held !== undefined) return { action, error: dependencyHeld(member.name, held) };
    if (!isAlive(child.state) && child.state.tag !== "pending") child.revive(fresh);
    const heldMeanwhile = () => (child.state.tag === "pending" ? heldNeed(children, member) : undefined);
    const isDecided = () => child.isFinal || hasSettled(child) || heldMeanwhile() !== undefined;
    await child.until(isDecided, member.startTimeout);
    if (child.state.tag === "pending") {
      const by = heldMeanwhile();
      return {
        action,
        error: by ? dependencyHeld(member.name, by) : stillWaiting(member, unmet(children, member)),
      };
    }
    await child.until(() => child.isFinal || hasSettled(child), endless);
    return settledAs(child, action);
  }

  async function stop(child: Child): Promise<Done> {
    const { tag } = child.state;
    if (isHeldBack(child.state) || tag === "completed" || tag === "failed") {
      return { action: "unchanged", note: tag === "stopped" ? undefined : `it is ${tag}` };
    }
    const end = await child.rest();
    if (child.isFinal) return { action: "stop", error: stoppingError(child.member.name) };
    return { action: "stop", note: notes(endNote(end), readyDependents(child)) };
  }

  async function replace(child: Child, member: Member, action: StepAction): Promise<Done> {
    if (child.isFinal) return { action, error: stoppingError(member.name) };
    if (!isServing(child.state) || member.replace === "stop-first") return stopFirst(child, member, action);
    const { name } = member;
    const since = clock.now();
    const replaced = await child.replace(member, true, (from) => {
      const { generation: to } = child.state;
      const durationMs = Math.round(clock.now() - since);
      events.emit({ type: "serviceReplaced", service: name, from, to, durationMs });
    });
    if (replaced.tag === "replaced") {
      return { action, note: notes(endNote(replaced.end), replaced.note, pausedNote(child)) };
    }
    if (replaced.tag === "inseparable") {
      if (child.isFinal) return { action, error: stoppingError(name) };
      const done = await stopFirst(child, member, action);
      return { ...done, note: notes(inseparable, done.note) };
    }
    const { generation, error } = replaced;
    if (!child.isFinal) events.emit({ type: "serviceReplaceFailed", service: name, generation, error });
    return { action, error };
  }

  async function stopFirst(child: Child, member: Member, action: StepAction): Promise<Done> {
    const end = isAlive(child.state) ? await child.rest() : undefined;
    child.adopt(member);
    const done = await start(child, action, true);
    return { ...done, note: notes(end && endNote(end), done.note) };
  }

  function setPaused(child: Child, verb: "pause" | "resume"): Done {
    if (child.isPaused === (verb === "pause")) return { action: "unchanged" };
    if (verb === "pause") child.pause();
    else child.resume();
    return { action: verb };
  }

  function readyDependents(child: Child): string | undefined {
    const members = [...children.values()].filter((each) => isServing(each.state)).map((each) => each.member);
    const names = dependentsOf(members).get(child.member.name);
    return names && `still running, though they depend on it: ${names.join(", ")}`;
  }

  return { perform, step, start, replace };
}

const inseparable =
  "stopped first, because the module exports one object for all generations: export a function or a class instead";

/** What is waited for here ends by a deadline of its own. */
const endless = 2 ** 31 - 1;

function hasSettled({ state }: Child): boolean {
  return (
    state.tag !== "pending" && state.tag !== "loading" && state.tag !== "starting" && state.tag !== "stopping"
  );
}

function settledAs(child: Child, action: StepAction): Done {
  const { state, member } = child;
  const hostNote = child.note;
  if (isServing(state)) return { action, note: notes(hostNote, pausedNote(child)) };
  if (state.tag === "completed") return { action, note: "it has completed" };
  if (state.tag === "stopped") return { action, error: stoppingError(member.name) };
  if (!("error" in state)) return { action, error: new Error(`It is ${state.tag}`) };
  const retry = "delay" in state ? `it is tried again in ${formatDuration(state.delay)}` : undefined;
  if (state.error === undefined) return { action, note: notes("it has completed", retry) };
  return { action, note: retry, error: state.error };
}

function notes(...all: readonly (string | undefined)[]): string | undefined {
  return all.filter((note) => note !== undefined).join("; ") || undefined;
}

function pausedNote({ isPaused }: Child): string | undefined {
  return isPaused ? "it is paused: resume it to let work in" : undefined;
}

function endNote(end: ChildEnd): string | undefined {
  if (end.abandoned) return "the old generation did not stop in time and was abandoned";
  return end.error === undefined
    ? undefined
    : `the old generation stopped with an error: ${messageOf(end.error)}`;
}

function asCommandError(name: string, error: unknown): CommandError {
  const problem = error instanceof ProblemsError ? error.problems[0] : undefined;
  if (problem) {
    const { code, hint } = problem;
    return { code, message: describeProblem(problem, { color: false, cwd: resolve(".") }), hint };
  }
  if (error instanceof SupervisorError) return { code: error.code, message: error.message, hint: error.hint };
  const hint = `See what it logged: supervisor logs ${name}`;
  return { code: "RUN_FAILED", message: messageOf(error), hint };
}

function stoppingError(name: string): SupervisorError {
  const hint = "Wait until it has ended, then start it again.";
  return new SupervisorError(
    "STOPPING",
    `Nothing can be done to "${name}": the supervisor is stopping`,
    hint,
  );
}

function unknownService(name: string, known: readonly string[]): SupervisorError {
  const hint = `The services are: ${known.join(", ")}`;
  return new SupervisorError("UNKNOWN_SERVICE", `No service has the name "${name}"`, hint);
}

function dependencyHeld(name: string, held: string): SupervisorError {
  const sentence = `Cannot start "${name}": "${held}", which it depends on, was stopped by an operator`;
  return new SupervisorError("DEPENDENCY_NOT_READY", sentence, `Start it first: supervisor start ${held}`);
}

function stillWaiting({ name, startTimeout }: Member, needs: readonly string[]): SupervisorError {
  const sentence = `"${name}" was loaded, and after ${formatDuration(startTimeout)} still waits for ${needs.join(", ")}`;
  const hint = "It starts by itself when they are ready; see why they are not: supervisor status";
  return new SupervisorError("DEPENDENCY_NOT_READY", sentence, hint);
}
