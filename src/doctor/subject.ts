import type { Plan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import type { Finding } from "./finding.ts";
import type { Machine } from "./machine.ts";
import type { SourceFile } from "./source-file.ts";

/** All that a check may look at. Files may be read, nothing may be run. */
export interface Subject {
  readonly plan: Plan;
  readonly locate: Locate;
  readonly sources: readonly SourceFile[];
  readonly runtime: "bun" | "deno";
  /** What an import finds without a package: the names of its values, by specifier. */
  readonly provided: Readonly<Record<string, readonly string[]>>;
  /** The process that runs this services.yaml now. */
  readonly runningPid?: number;
  /** Why the runtime cannot parse a file, and where; lines and columns count from 1. Undefined when it can. */
  readonly syntaxError: (file: string) => Promise<Place | undefined>;
  readonly machine: Machine;
}

interface Place {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** One thing to look for. Must not throw, and must leave nothing behind. */
export type Check = (subject: Subject) => readonly Finding[] | Promise<readonly Finding[]>;

/** An error where it does not work on the runtime that is asked, a warning where it does not on the other one. */
export function levelOn(subject: Pick<Subject, "runtime">, fails: "bun" | "deno"): "error" | "warn" {
  return subject.runtime === fails ? "error" : "warn";
}
