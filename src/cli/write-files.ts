import { mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeError } from "../core/write-error.ts";

/**
 * Writes new files below `folder`, with the folders that they need; all of them or none: what was made before
 * one fails is removed again. Overwrites nothing.
 *
 * @throws SupervisorError FILE_UNWRITABLE
 */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  const undo: (() => void)[] = [];
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    try {
      makeFolder(dirname(file), undo);
      writeNew(file, content, undo);
    } catch (error) {
      for (const step of undo.reverse()) attempt(step);
      throw writeError("the project", file, error);
    }
  }
}

/** One by one, so that each of them can be taken back. */
function makeFolder(folder: string, undo: (() => void)[]): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, undo);
  mkdirSync(folder);
  undo.push(() => rmdirSync(folder));
}

function writeNew(file: string, content: string, undo: (() => void)[]): void {
  writeFileSync(file, "", { flag: "wx" });
  undo.push(() => rmSync(file));
  writeFileSync(file, content);
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // Somebody has put a file of their own there meanwhile: it stays, and the first error is the one to tell.
  }
}
