import { readFileSync } from "node:fs";

/** A piece of this process's address space. */
export interface Mapping {
  readonly start: number;
  readonly length: number;
  /** Bytes of it in memory. */
  readonly resident: number;
}

/**
 * Unmaps, with `drop`, the pages of the running executable that are the same as in its file, and returns how many
 * bytes that were. Nothing is lost: they stay in the page cache, and whoever needs one has it back in microseconds.
 * Linux only. Throws when it cannot be done.
 */
export function giveBack(drop: (start: number, length: number) => void): number {
  const mappings = unchangedMappings(readFileSync("/proc/self/smaps", "utf8"), process.execPath);
  for (const { start, length } of mappings) drop(start, length);
  return mappings.reduce((sum, { resident }) => sum + resident, 0);
}

/**
 * The mappings of `file` that nobody can write to and nobody has written to: code and constants. What the linker
 * has relocated is read-only too, but the file does not have it: such pages are anonymous.
 */
export function unchangedMappings(smaps: string, file: string): Mapping[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((entry) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p .* (\/.*)$/m.exec(entry);
    if (head?.[3] !== file || kilobytes(entry, "Anonymous") !== 0) return [];
    const start = Number.parseInt(head[1] as string, 16);
    const length = Number.parseInt(head[2] as string, 16) - start;
    return [{ start, length, resident: 1024 * kilobytes(entry, "Rss") }];
  });
}

/** NaN when the kernel does not tell. */
function kilobytes(entry: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(entry)?.[1]);
}
