import { announceStart } from "../core/beacon.ts";
import type { Command, CommandError, CommandResult } from "../core/command.ts";
import { SupervisorError } from "../core/errors.ts";
import type { Listener } from "../core/events.ts";
import type { Address, AdminPlan } from "../core/plan.ts";
import { createEventFeed } from "./event-feed.ts";
import type { LogTap } from "./log-tap.ts";
import type { FromOperator, OperatorData, OperatorPlan, ToOperator } from "./protocol.ts";

export interface OperatorOptions extends OperatorData {
  /** The thread's entry: `new URL("./operator.ts", import.meta.url)`, as compilers want to read it. */
  readonly entry: URL;
  /** Carries out what an operator asks for; must not reject. */
  readonly execute?: (command: Command) => Promise<CommandResult>;
  /** Told when there can be no control socket. */
  readonly missing?: (problem: CommandError) => void;
  /** The lines of the log, for `logs`. */
  readonly tap?: LogTap;
}

/** Main's side of the operator's plane. */
export interface OperatorLink {
  /**
   * Resolves with what the admin listener is bound to, undefined when there is none.
   * Rejects with ADDRESS_IN_USE and the like, or when the thread cannot run.
   */
  readonly listening: Promise<Address | undefined>;
  /** Takes every event; what one turn of the loop brings crosses to the thread as one message. */
  readonly listener: Listener;
  /** The plan is another one now. */
  adopt(plan: OperatorPlan): void;
  /** A reload begins. */
  reloading(): void;
  /** What consumers and schedules do, as JSON: see `ToOperator`. */
  tellWork(work: string): void;
  /** Binds another admin listener, then leaves the one before. Rejects like `listening`: then that one stays. */
  listen(admin: AdminPlan | false): Promise<Address | undefined>;
  /** Closes the admin listener and ends the thread; comes back within half a second whatever happens. */
  close(): Promise<void>;
}

// Taken before `scopeTimers` wraps them. The web's Worker, not node's: that one costs 4 MB more on Bun, and a
// slow start on Deno.
const { setTimeout, clearTimeout, Worker } = globalThis;
const closeMs = 500;

/** Starts the operator's plane on a thread of its own, which does not keep the process alive. */
export function startOperator(options: OperatorOptions): OperatorLink {
  const { entry, execute: _execute, missing: _missing, tap, ...data } = options;
  const worker: Thread = new Worker(entry, { type: "module", name: "operator" });
  worker.unref?.();
  const post = (message: ToOperator) => worker.postMessage(message);
  const listening = whenListening(worker);
  serveCommands(worker, post, options);
  post({ type: "begin", data });
  tap?.connect(post);
  const feed = createEventFeed(post, data.beacon);
  // Whoever waits for it may come later; until then a rejection is not unhandled.
  listening.catch(() => {});
  let closing: Promise<void> | undefined;
  return {
    listening,
    listener: feed.listener,
    adopt: (plan) => post({ type: "plan", plan }),
    reloading: () => post({ type: "reloading" }),
    tellWork: (work) => post({ type: "work", work }),
    listen(admin) {
      const answer = whenListening(worker);
      post({ type: "listen", admin });
      return answer;
    },
    close() {
      announceStart(data.beacon);
      feed.flush();
      tap?.flush();
      closing ??= end(worker, post);
      return closing;
    },
  };
}

/** Bun's workers hold the process until `unref`; Deno has no such function, there `close` lets go of it. */
type Thread = Worker & { unref?(): void };

function whenListening(worker: Thread): Promise<Address | undefined> {
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", ({ data: message }: MessageEvent<FromOperator>) => {
      if (message.type === "listening") resolve(message.address);
      if (message.type === "notListening") {
        reject(new SupervisorError(message.code, message.message, message.hint));
      }
    });
    worker.addEventListener("error", (event) => {
      // Unanswered, the error of the thread would end the whole process on Deno.
      event.preventDefault();
      reject(new Error(`the operator's plane cannot run: ${event.message}`, { cause: event.error }));
    });
  });
}

/** Carries out what an operator asks for; what comes too late, because the loop was blocked, is not done any more. */
function serveCommands(worker: Thread, post: (message: ToOperator) => void, options: OperatorOptions): void {
  worker.addEventListener("message", ({ data: message }: MessageEvent<FromOperator>) => {
    if (message.type === "missing") options.missing?.(message);
    if (message.type !== "command" || Date.now() > message.until) return;
    const { id, command } = message;
    post({ type: "accepted", id });
    void options.execute?.(command).then((result) => post({ type: "result", id, result }));
  });
}

function end(worker: Thread, post: (message: ToOperator) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      worker.terminate();
      resolve();
    };
    // When it hangs it is cut off all the same.
    const timer = setTimeout(done, closeMs);
    worker.addEventListener("message", ({ data: message }: MessageEvent<FromOperator>) => {
      if (message.type === "closed") done();
    });
    post({ type: "close" });
  });
}
