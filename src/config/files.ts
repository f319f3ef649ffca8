import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { Report } from "./findings.ts";
import type { Span } from "./node.ts";

/** Reports files that are not there; `at` is asked only then. */
export interface FileChecks {
  module(path: string, at: () => Span | undefined): void;
  /** `name` is what the file is to the reader: `cert`. */
  readable(path: string, name: string, at: () => Span | undefined): void;
}

/** Looks at each path once: many services may share a module. */
export function createFileChecks(report: Report): FileChecks {
  const kinds = new Map<string, Kind>();
  const kindOf = (path: string): Kind => {
    const known = kinds.get(path) ?? lookAt(path);
    kinds.set(path, known);
    return known;
  };
  return {
    module(path, at) {
      const kind = kindOf(path);
      if (kind === "folder")
        report("MODULE_NOT_FOUND", at(), `The module ${path} is a folder`, fileWithin(path));
      if (kind === "nothing") report("MODULE_NOT_FOUND", at(), `There is no module ${path}`, fileLike(path));
    },
    readable(path, name, at) {
      const kind = kindOf(path);
      if (kind === "nothing")
        report("BAD_VALUE", at(), `The ${name} file ${path} does not exist`, fileLike(path));
      else if (kind === "folder")
        report("BAD_VALUE", at(), `The ${name} file ${path} is a folder`, fileWithin(path));
      else if (!isReadable(path)) {
        report(
          "BAD_VALUE",
          at(),
          `The ${name} file ${path} cannot be read`,
          "Make it readable for the user who runs this.",
        );
      }
    },
  };
}

type Kind = "file" | "folder" | "nothing";

function lookAt(path: string): Kind {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return !found ? "nothing" : found.isDirectory() ? "folder" : "file";
  } catch {
    // ENOTDIR, ELOOP, EACCES on a folder above: nothing that could be imported.
    return "nothing";
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    // The answer is the point of asking.
    return false;
  }
}

function fileWithin(folder: string): string {
  const names = namesIn(folder);
  const index =
    names.find((name) => /^index\.[cm]?[jt]sx?$/.test(name)) ??
    names.find((name) => /\.[cm]?[jt]sx?$/.test(name));
  return index ? `Name the file: ${join(folder, index)}.` : "Name a file.";
}

function fileLike(path: string): string {
  const folder = dirname(path);
  const names = namesIn(folder);
  const meant = nearest(basename(path), names) ?? sameStem(basename(path), names);
  if (meant) return `Did you mean ${join(folder, meant)}?`;
  if (names.length === 0) return `Check the path: ${folder} is empty or does not exist.`;
  return "Check the path: it is relative to the folder of the file that names it.";
}

/** `./api` and `./api.js` for `./api.ts`. */
function sameStem(name: string, names: readonly string[]): string | undefined {
  const stem = name.replace(/\.[^.]*$/, "");
  return names.find((other) => other !== name && other.replace(/\.[^.]*$/, "") === stem);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // Only for suggestions: a folder that cannot be read has none.
    return [];
  }
}
