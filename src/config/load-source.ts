import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { Problem } from "../core/problem.ts";
import type { Sealed } from "../core/sealed.ts";
import { keyIn, sealed } from "../core/sealed.ts";
import type { Source } from "./node.ts";
import { syntaxProblem } from "./yaml-problems.ts";

/** A file that could be read, or why not. */
export type Loaded = { readonly source: Source } | { readonly problem: Problem };

/** 20,000 services of five lines fit well; a file beyond this was not written for us. */
const largestFile = 4 * 1_048_576;

/** Reads a services.yaml; `file` may be relative to the working directory. */
export function loadSource(file: string): Loaded {
  const path = resolve(file);
  const inside = sealed();
  if (inside) return sealedSource(inside, path);
  try {
    return textOf(path, readFileSync(path));
  } catch (error) {
    return { problem: notReadable(file, error) };
  }
}

/** In a sealed executable nothing else is read, whatever lies in the working directory. */
function sealedSource(inside: Sealed, path: string): Loaded {
  const text = inside.texts[keyIn(inside, path)];
  if (text !== undefined) return { source: { file: path, text } };
  const message = `${basename(path)} is not inside this executable`;
  return { problem: { code: "CONFIG_NOT_FOUND", message, hint: `It runs ${inside.file}, as it was built.` } };
}

/** The absolute path of an overlay: with `prod`, `services.yaml` has `services.prod.yaml`. */
export function overlayFile(file: string, env: string): string {
  const path = resolve(file);
  const { stem, extension } = partsOf(path);
  return join(dirname(path), `${stem}.${env}${extension}`);
}

/** The names of the overlays that `file` has. */
export function overlaysOf(file: string): string[] {
  const path = resolve(file);
  const { stem, extension } = partsOf(path);
  return overlaysBeside(path, stem, extension);
}

/** Reads what is merged over `file`. */
export function loadOverlay(file: string, env: string): Loaded {
  const path = resolve(file);
  const overlay = overlayFile(file, env);
  if (/^[\w-]+(?:\.[\w-]+)*$/.test(env) && isFile(overlay)) return loadSource(overlay);
  const found = overlaysOf(file);
  const meant = nearest(env, found);
  return {
    problem: {
      code: "CONFIG_NOT_FOUND",
      message: `Cannot use the overlay "${env}": there is no ${basename(overlay)}`,
      hint: `${meant ? `Did you mean "${meant}"? ` : ""}${
        found.length > 0
          ? `Overlays beside ${basename(path)}: ${found.join(", ")}.`
          : `There are no overlays beside ${basename(path)}.`
      }`,
    },
  };
}

function partsOf(path: string): { stem: string; extension: string } {
  const [, stem = "", extension = ""] = /^(.*?)(\.[^.]*)?$/.exec(basename(path)) ?? [];
  return { stem, extension };
}

function textOf(path: string, bytes: Uint8Array): Loaded {
  const empty: Source = { file: path, text: "" };
  const at = { source: empty, start: 0, end: 1 };
  if (bytes.length > largestFile) {
    return { problem: syntaxProblem(at, "The file is larger than 4 MiB", "Is this the right file?") };
  }
  try {
    // Drops a byte order mark, so that columns count what people see.
    const source: Source = { file: path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(source.text);
    if (!control) return { source };
    const start = control.index;
    const code = source.text.charCodeAt(start).toString(16).toUpperCase().padStart(4, "0");
    const message = `Character U+${code} does not belong into a text file`;
    return { problem: syntaxProblem({ source, start, end: start + 1 }, message, "Is this the right file?") };
  } catch {
    // A fatal decoder throws for one reason only.
    return {
      problem: syntaxProblem(at, "The file is not UTF-8 text", "Save it as UTF-8; is it the right file?"),
    };
  }
}

function notReadable(file: string, error: unknown): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const reason =
    { ENOENT: "there is no such file", EISDIR: "it is a folder", EACCES: "permission denied" }[code] ?? code;
  return { code: "CONFIG_NOT_FOUND", message: `Cannot read ${file}: ${reason}`, hint: hintFor(file, code) };
}

function hintFor(file: string, code: string): string {
  if (code === "EACCES") return "Make the file readable for the user who runs this.";
  const folder = code === "EISDIR" ? file : dirname(file);
  const found = filesIn(folder).filter((name) => /\.ya?ml$/.test(name));
  const meant =
    found.find((name) => /^services\.ya?ml$/.test(name)) ?? nearest(basename(file), found) ?? found[0];
  if (meant) return `Did you mean ${join(folder, meant)}?`;
  const below = found.length > 0 ? [] : filesBelow(folder);
  if (below.length === 1) return `Did you mean ${below[0]}?`;
  return 'Give its path: "supervisor run PATH"; "supervisor init" writes a first one.';
}

/** What `init NAME` has written, a folder too deep. */
function filesBelow(folder: string): string[] {
  return filesIn(folder)
    .map((name) => join(folder, name, "services.yaml"))
    .filter((file) => existsSync(file));
}

function overlaysBeside(path: string, stem: string, extension: string): string[] {
  return filesIn(dirname(path))
    .filter((name) => name.startsWith(`${stem}.`) && name.endsWith(extension))
    .map((name) => name.slice(stem.length + 1, name.length - extension.length))
    .filter((env) => env !== "");
}

function filesIn(folder: string): string[] {
  const inside = sealed();
  if (inside) return Object.keys(inside.texts);
  try {
    return readdirSync(folder).sort();
  } catch {
    // Only used for suggestions: without the folder there are none.
    return [];
  }
}

function isFile(path: string): boolean {
  const inside = sealed();
  if (inside) return keyIn(inside, path) in inside.texts;
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
