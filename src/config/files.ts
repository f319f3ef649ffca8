import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { nearest } from "../core/nearest.ts";
import { keyIn, sealed } from "../core/sealed.ts";
import type { Report } from "./findings.ts";
import type { Span } from "./node.ts";

/** Reports files that are not there; `at` is asked only then. */
export interface FileChecks {
  module(path: string, at: () => Span | undefined): void;
  /** `name` is what the file is to the reader: `cert`. */
  readable(path: string, name: string, at: () => Span | undefined): void;
}

/** Looks at each path once: many services may share a module. Suggestions are relative to `folder`. */
export function createFileChecks(folder: string, report: Report): FileChecks {
  const suggest: Suggest = (path) => fromFolder(folder, path);
  const kinds = new Map<string, Kind>();
  const kindOf = (path: string): Kind => {
    const known = kinds.get(path) ?? lookAt(path);
    kinds.set(path, known);
    return known;
  };
  return {
    module(path, at) {
      const inside = sealed();
      if (inside) {
        const key = keyIn(inside, path);
        if (key in inside.modules) return;
        const hint = `Build it anew; it holds ${Object.keys(inside.modules).join(", ")}.`;
        return report("MODULE_NOT_FOUND", at(), `The module ${key} is not inside this executable`, hint);
      }
      const kind = kindOf(path);
      if (kind === "folder")
        report(
          "MODULE_NOT_FOUND",
          at(),
          `The module ${path} is a folder`,
          fileWithin(path, suggest, codeFile),
        );
      if (kind === "nothing")
        report("MODULE_NOT_FOUND", at(), `The module ${path} does not exist`, fileLike(path, suggest));
    },
    readable(path, name, at) {
      const kind = kindOf(path);
      if (kind === "nothing")
        report("BAD_VALUE", at(), `The ${name} file ${path} does not exist`, fileLike(path, suggest));
      else if (kind === "folder")
        report("BAD_VALUE", at(), `The ${name} file ${path} is a folder`, fileWithin(path, suggest, pemFile));
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

type Suggest = (path: string) => string;

function fromFolder(folder: string, path: string): string {
  const way = relative(folder, path);
  return way.startsWith("..") ? way : `./${way}`;
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

const mostNamed = 6;

const codeFile = /\.[cm]?[jt]sx?$/;
/** What certificates and keys are called. */
const pemFile = /\.(?:pem|crt|cer|key)$/;

function fileWithin(folder: string, suggest: Suggest, kind: RegExp): string {
  const names = namesIn(folder).filter((name) => kind.test(name));
  const index = names.find((name) => /^index\.[cm]?[jt]sx?$/.test(name));
  const code = index ? [index] : names;
  const shown = code.slice(0, mostNamed).map((name) => suggest(join(folder, name)));
  if (shown.length === 0) return "Name a file.";
  if (shown.length === 1) return `Name the file: ${shown[0]}`;
  return `Name one of its files: ${shown.join(", ")}${code.length > mostNamed ? ", …" : ""}`;
}

function fileLike(path: string, suggest: Suggest): string {
  const folder = dirname(path);
  const names = namesIn(folder);
  const stems = new Map(names.map((name) => [stemOf(name), name]));
  // `./api` and `./api.js` mean `./api.ts`.
  const meant = stems.get(stemOf(path)) ?? stems.get(nearest(stemOf(path), stems.keys()) ?? "");
  if (meant) return `Did you mean ${suggest(join(folder, meant))}?`;
  if (names.length === 0) return `Check the path: ${folder} is empty or does not exist.`;
  return "Check the path: it is relative to the folder of the file that names it.";
}

function stemOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, "");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // Only for suggestions: a folder that cannot be read has none.
    return [];
  }
}
