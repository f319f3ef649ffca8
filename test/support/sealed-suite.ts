import { test } from "bun:test";

/*
 * Which of the end-to-end suite a sealed executable is put through. SUPERVISOR_TEST_TARGETS=sealed runs all of it that can
 * pass; each services.yaml is built for that, which takes a second.
 */

/** Why something cannot pass sealed, whatever it is that is tested. */
const reasons = {
  edits: "what it edits is inside the executable",
  files: "it is about a services.yaml and modules on disk",
  build: "build refuses one of the modules before another is loaded",
  loads: "it loads code anew, and sealed code stays the same",
  library: "it is a program of its own, without the supervisor's executable",
} as const;

/** By what `describeTargets` calls it. */
const unsealable: Readonly<Record<string, keyof typeof reasons>> = {
  reload: "edits",
  "run --watch": "edits",
  "replace and reload under load": "edits",
  "/metrics": "edits",
  "memory of replaces": "loads",
  "supervisor doctor": "files",
  "the command line": "files",
  init: "files",
  "the library example": "library",
  "a program that uses the library": "library",
};

/**
 * In every run, beside the open targets: start, stop, failures, threads, queues, health and log, in a minute and a half. The
 * others take minutes, and tell more about brokers, load and frozen loops than about what is inside.
 */
const always: ReadonlySet<string> = new Set([
  "a service that blocks the event loop for a while",
  "a service that fails",
  "a service with isolation: worker",
  "an idle supervisor",
  "memory",
  "queue, task and cron",
  "services that complete",
  "the health endpoints",
  "the log",
  "the stop",
]);

export function isAlwaysSealed(what: string): boolean {
  return always.has(what);
}

/** Why `what` is not run sealed; undefined: it can be. */
export function unsealed(what: string): string | undefined {
  const why = unsealable[what];
  return why && reasons[why];
}

/** `test`, of one that a sealed executable cannot pass: then it is skipped, with the reason in its name. */
export function testUnsealed(target: { readonly name: string }, why: keyof typeof reasons) {
  const isSealed = target.name === "sealed";
  return (name: string, run: () => Promise<void> | void, timeoutMs?: number): void =>
    test.skipIf(isSealed)(isSealed ? `${name} (skipped: ${reasons[why]})` : name, run, timeoutMs);
}
