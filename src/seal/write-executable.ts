import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";

/**
 * Makes `file` of what `compile` writes to the path that it is given: as a whole or not at all. The name within is always
 * the same, because it becomes part of the executable. The folder that it works in is removed, also by a signal.
 */
export async function writeExecutable(file: string, compile: (path: string) => Promise<void>): Promise<void> {
  const scratch = mkdtempSync(join(dirname(file), ".build-"));
  const allow = removeWhenEnded(scratch);
  try {
    const compiled = join(scratch, "supervisor");
    await compile(compiled);
    const copy = join(scratch, "copy");
    copyInSmallPieces(compiled, copy);
    renameSync(copy, file);
  } finally {
    allow();
    rmSync(scratch, { recursive: true });
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal ends the process as it would have, but leaves nothing behind. Returns what undoes this. */
function removeWhenEnded(folder: string): () => void {
  const allow = () => {
    for (const signal of signals) process.off(signal, end);
  };
  const end = (signal: NodeJS.Signals) => {
    allow();
    rmSync(folder, { recursive: true, force: true });
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, end);
  return allow;
}

/**
 * A file that was written in large pieces lies in large folios of the page cache, and the kernel then counts
 * whole folios of the executable as resident: 5 MB more RSS for every process, until the next boot. Written in
 * pages of 4 KiB it maps only what runs. See docs/decisions/001-binary-in-small-pieces.md.
 */
function copyInSmallPieces(from: string, to: string): void {
  const content = readFileSync(from);
  const descriptor = openSync(to, "w", 0o755);
  for (let offset = 0; offset < content.length; offset += 4096) {
    writeSync(descriptor, content, offset, Math.min(4096, content.length - offset));
  }
  closeSync(descriptor);
}
