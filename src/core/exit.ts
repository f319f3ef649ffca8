import type { StopReport } from "./report.ts";

/** What the process tells its caller; systemd and scripts may rely on these numbers. */
export const ExitCode = {
  /** Everything ended in order, also after SIGTERM or SIGINT. */
  clean: 0,
  /** A running supervisor could not do what a command asked for. */
  refused: 1,
  /** There is no running supervisor that a command could ask. */
  notRunning: 3,
  /** The command line is wrong. */
  usage: 64,
  /** A critical service or all of them failed for good, or an address could not be bound. */
  failed: 70,
  /** A deadline ran out: something was cut off. */
  forced: 75,
  /** services.yaml, a module or the access to a broker is wrong: a restart would not help. */
  config: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A second signal ends the process with the shell's code for that signal. */
export const secondSignalExit = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The exit code that a stop leads to: a failure outweighs that something was cut off. */
export function exitCodeOf({ cause, outcome }: StopReport): ExitCode {
  if (cause.tag === "failure" && cause.code !== undefined) return ExitCode.config;
  if (cause.tag === "failure" || cause.tag === "operator") return ExitCode.failed;
  return outcome === "forced" ? ExitCode.forced : ExitCode.clean;
}
