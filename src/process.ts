import { systemClock } from "./core/clock.ts";
import { secondSignalExit } from "./core/exit.ts";
import { createLogger } from "./core/log.ts";
import { isTerminal } from "./core/terminal.ts";
import type { Group } from "./group/group.ts";
import { cpuProfileSwitch } from "./observe/cpu-profile.ts";
import type { LogWriter } from "./observe/log-writer.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";

/*
 * What one process has only once: its signals and its last resort for errors. Every function here takes
 * one of them and returns how to give it back.
 */

/** One Ctrl-C arrives twice where a script runner passes on what the terminal has sent to everybody already. */
const echoMs = 100;

// Taken before `ownExit` replaces it.
const exitProcess = process.exit;

type StopSignal = "SIGTERM" | "SIGINT" | "SIGHUP";

export interface SignalOptions {
  readonly name: string;
  readonly group: Group;
  readonly output: LogWriter;
  readonly stopReportFile: string | undefined;
  /** What SIGHUP asks for; absent: it stops the group. */
  readonly reload?: (() => void) | undefined;
}

/**
 * SIGTERM and SIGINT stop the group; a second one ends the process at once, printing who was left and writing the
 * stop report as it is by then. SIGHUP reloads; it stops the group where there is nothing to reload, and when it
 * comes from the terminal that has gone. SIGQUIT writes the state of every service to the log; SIGUSR2 begins and
 * ends a CPU profile. Never SIGUSR1: it opens Deno's inspector.
 */
export function ownSignals({ name, group, output, stopReportFile, reload }: SignalOptions): () => void {
  const log = createLogger(output.sink, systemClock.wall);
  const force = (signal: StopSignal) => {
    log.error(`second ${signal}: exit at once, leaving ${describeLeft(group) || "nothing"}`);
    const report = group.report();
    if (stopReportFile !== undefined && report) writeStopReport(stopReportFile, report, log);
    output.flush();
    exitProcess(secondSignalExit[signal]);
  };
  let since: number | undefined;
  // The name is closed over: not every runtime passes it to the handler.
  const onStop = (signal: StopSignal) => () => {
    const now = systemClock.now();
    if (since !== undefined) return now - since < echoMs ? undefined : force(signal);
    since = now;
    void group.stop({ tag: "signal", signal });
  };
  const stopOnHangup = onStop("SIGHUP");
  const profile = cpuProfileSwitch(name, log);
  const handlers = [
    ["SIGTERM", onStop("SIGTERM")],
    ["SIGINT", onStop("SIGINT")],
    ["SIGHUP", reload ? hangup(reload, stopOnHangup) : stopOnHangup],
    ["SIGQUIT", () => log.info("state", { services: group.snapshots() })],
    ["SIGUSR2", () => void profile()],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** Some terminals send the signal a moment before they close, in milliseconds. */
const closingMs = 1_000;

/** Reloads, unless the terminal that the process began on is gone: nobody could end it any more. */
function hangup(reload: () => void, stop: () => void): () => void {
  const began = isTerminal(2);
  const isGone = () => began && !isTerminal(2);
  return () => {
    if (isGone()) return stop();
    reload();
    if (began) systemClock.after(closingMs, () => isGone() && stop());
  };
}

/** What a program may take for its last words after a signal has stopped it by force, in milliseconds. */
const lastWordsMs = 1_000;

/** Ends the process with its exit code, unless it has ended by itself by then: what was cut off may hold it for ever. */
export function endSoon(): void {
  setTimeout(() => exitProcess(), lastWordsMs).unref();
}

/** Takes what nobody caught: an exception or a rejection no longer ends the process by itself. */
export function ownErrors(handle: (error: unknown) => void): () => void {
  process.on("uncaughtException", handle);
  process.on("unhandledRejection", handle);
  return () => {
    process.off("uncaughtException", handle);
    process.off("unhandledRejection", handle);
  };
}

/**
 * Makes `process.exit` throw: code of a service that ends the process would take all others with it, past their
 * stop. The throw is a failure of the service that called it, or of the module that did so while it was loaded.
 */
export function ownExit(): () => void {
  const exit = process.exit;
  let isOver = false;
  const own: typeof process.exit = function refused(code) {
    // A group that began later and ends later gives back this as what was there before.
    if (isOver) return exit(code);
    const error = new Error(
      `process.exit(${code ?? ""}) was called: a service fails by throwing, and ends by run() resolving`,
    );
    // Whoever called is the first to be named.
    Error.captureStackTrace(error, refused);
    throw error;
  };
  process.exit = own;
  return () => {
    isOver = true;
    // Whoever took it after us keeps it.
    if (process.exit === own) process.exit = exit;
  };
}

function describeLeft(group: Group): string {
  const left = group.snapshots().filter(({ state }) => !over.has(state));
  return left.map(({ name, state }) => `${name} (${state})`).join(", ");
}

const over: ReadonlySet<string> = new Set(["stopped", "completed", "failed", "backoff", "quarantined"]);
