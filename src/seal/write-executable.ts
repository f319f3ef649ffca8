import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Makes `file` of what `compile` writes to the path that it is given: as a whole or not at all. The name within is always
 * the same, because it becomes part of the executable.
 */
export async function writeExecutable(file: string, compile: (path: string) => Promise<void>): Promise<void> {
  const scratch = mkdtempSync(join(dirname(file), ".build-"));
  try {
    const compiled = join(scratch, "supervisor");
    await compile(compiled);
    const copy = join(scratch, "copy");
    copyInSmallPieces(compiled, copy);
    renameSync(copy, file);
  } finally {
    rmSync(scratch, { recursive: true });
  }
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
