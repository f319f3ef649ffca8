import { readFileSync } from "node:fs";

/** What the kernel says of one process, in KB. */
export interface Memory {
  readonly rss: number;
  /** Pages shared with other processes count by their share. */
  readonly pss: number;
  /** Heap, stacks, JIT code: what the process made itself. */
  readonly anon: number;
  /** Pages of the executable and of libraries. */
  readonly file: number;
}

/** @throws when the process has gone, or on a system without /proc. */
export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    rss: field(rollup, "Rss"),
    pss: field(rollup, "Pss"),
    anon: field(status, "RssAnon"),
    file: field(status, "RssFile"),
  };
}

function field(text: string, name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`/proc has no ${name}`);
  return Number(value);
}
