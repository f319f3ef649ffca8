import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../core/errors.ts";
import type { SyntaxFault } from "./runtime.ts";

/*
 * Code loaded anew in a running process. Bun keeps what it has imported by path, and forgets what is deleted from
 * `require.cache`; the objects of those who hold the old code stay as they are. Three things do not go by
 * themselves, each measured in test/runtime/fresh.test.ts:
 * - a file that was read but never ran (the load failed before its turn) cannot be deleted: the next import would
 *   get the old text. So mistakes are looked for before anything is imported, and what is left over runs once.
 * - a file that two services import must be one object for both when both are loaded at the same time.
 * - a load that is under way would be joined instead of begun again.
 */

type Exports = Record<string, unknown>;

interface Wish {
  readonly path: string;
  resolve(exports: Exports): void;
  reject(error: unknown): void;
}

/** The local files that a module reaches through its imports, itself among them. */
interface Graph {
  readonly files: ReadonlySet<string>;
  /** Some import is computed: what it reaches cannot be known. */
  readonly open: boolean;
}

// Taken before the timers are wrapped to know whose callback is running.
const { setTimeout, clearTimeout } = globalThis;

/** How long a load that does not end keeps the next one waiting, in milliseconds. */
const patienceMs = 5_000;
const ownRoot = join(import.meta.dir, "..");

let wishes: Wish[] = [];
let busy = false;
/** Files that were read and have not run, with the text that was read. */
let leftOver = new Map<string, string>();

/** Imports `path` and every local file that it imports anew. Those asked for together share what they import. */
export function importFresh(path: string): Promise<Exports> {
  return new Promise((resolve, reject) => {
    wishes.push({ path, resolve, reject });
    if (!busy) void loadAll();
  });
}

/** The local files that `file` imports, whatever of it can be read; none when it cannot be parsed. */
export function localImports(file: string): string[] {
  try {
    return scan(file).found;
  } catch {
    // Whoever loads it is told; to know what it imports it has to be mended first.
    return [];
  }
}

/** What the transpiler says about a file that it cannot parse. */
export function syntaxError(file: string): SyntaxFault | undefined {
  try {
    scan(file);
    return undefined;
  } catch (error) {
    const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
    const position = first instanceof BuildMessage ? first.position : undefined;
    const { line, column, length } = position ?? { line: 1, column: 1, length: 1 };
    return { message: messageOf(first), line, column: Math.max(1, column), length: Math.max(1, length) };
  }
}

async function loadAll(): Promise<void> {
  busy = true;
  while (wishes.length > 0) {
    // One turn: services that are replaced together ask one after the other.
    await wait(0);
    const batch = wishes;
    wishes = [];
    await runLeftOver();
    const sound = await Promise.all(batch.map(sounded));
    evict(sound.flatMap((each) => each ?? []));
    const loads = batch.map((wish, index) => {
      const graph = sound[index];
      return graph && load(wish, graph);
    });
    await patiently(Promise.all(loads));
  }
  busy = false;
}

async function load({ path, resolve, reject }: Wish, { files }: Graph): Promise<void> {
  try {
    resolve(await import(path));
  } catch (error) {
    const ran = new Set(Object.keys(require.cache));
    for (const file of files) if (!ran.has(file)) leftOver.set(file, textOf(file));
    reject(error);
  }
}

/** Undefined when something is wrong that can be known without importing; the wish is told then. */
async function sounded({ path, reject }: Wish): Promise<Graph | undefined> {
  try {
    return await graphOf(path);
  } catch (error) {
    reject(error);
    return undefined;
  }
}

async function graphOf(path: string): Promise<Graph> {
  // A link leads to the file that Bun knows it by.
  const files = new Set([resolve(path, path) ?? path]);
  let open = false;
  for (const file of files) {
    const scanned = await scanOrExplain(file);
    open ||= scanned.open;
    if (scanned.missing !== undefined) {
      throw new Error(`Cannot find module '${scanned.missing}' imported from ${file}`);
    }
    for (const found of scanned.found) files.add(found);
  }
  return { files, open };
}

async function scanOrExplain(file: string): Promise<Scan> {
  try {
    return scan(file);
  } catch (error) {
    // Alone it fails before anything else is read, and its error tells the place.
    delete require.cache[file];
    await import(file);
    throw error;
  }
}

interface Scan {
  readonly found: string[];
  readonly open: boolean;
  /** A local file that has to be there, and is not. */
  readonly missing?: string;
}

const loaders: Readonly<Record<string, "ts" | "tsx" | "js" | "jsx">> = {
  ts: "ts",
  mts: "ts",
  cts: "ts",
  tsx: "tsx",
  js: "jsx",
  mjs: "js",
  cjs: "js",
  jsx: "jsx",
};
const transpilers = new Map<string, Bun.Transpiler>();

/** Throws when the file cannot be parsed. */
function scan(file: string): Scan {
  const loader = loaders[file.slice(file.lastIndexOf(".") + 1)];
  if (loader === undefined) return { found: [], open: false };
  const text = textOf(file);
  let missing: string | undefined;
  const found = transpiler(loader)
    .scanImports(text)
    .flatMap(({ path, kind }) => {
      const target = resolve(path, file);
      const needed = /^[./#]/.test(path) && kind === "import-statement";
      if (target === undefined && needed) missing ??= path;
      return target !== undefined && isLocal(target) ? [target] : [];
    });
  const open = /\b(?:import|require)\s*\(\s*[^"'\s)]/.test(text);
  return { found, open, ...(missing === undefined ? {} : { missing }) };
}

function transpiler(loader: "ts" | "tsx" | "js" | "jsx"): Bun.Transpiler {
  const known = transpilers.get(loader) ?? new Bun.Transpiler({ loader });
  transpilers.set(loader, known);
  return known;
}

function resolve(specifier: string, from: string): string | undefined {
  try {
    return Bun.resolveSync(specifier, dirname(from));
  } catch {
    // A package that is provided at run time, or one that is absent: the import itself says so.
    return undefined;
  }
}

/** Neither a package nor a file of the supervisor: two copies of those would not know each other. */
function isLocal(file: string): boolean {
  return file.startsWith("/") && !file.includes("/node_modules/") && !file.startsWith(`${ownRoot}/`);
}

/**
 * Only what is loaded again: others may import lazily what they have, and must get what they had. Unless an import
 * is computed: then everything that is not a package.
 */
function evict(graphs: readonly Graph[]): void {
  for (const { files } of graphs) for (const file of files) delete require.cache[file];
  if (!graphs.some(({ open }) => open)) return;
  for (const file of Object.keys(require.cache)) if (isLocal(file)) delete require.cache[file];
}

/** Bun cannot forget what never ran; where its text has changed since, it has to run for that. */
async function runLeftOver(): Promise<void> {
  if (![...leftOver].some(([file, text]) => textOf(file) !== text)) return;
  const files = [...leftOver.keys()];
  leftOver = new Map();
  const runs = files.map((file) => import(file).catch(() => {}));
  await patiently(Promise.all(runs));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Gone: then its import says so.
    return "";
  }
}

/** Resolves with `work`, after `patienceMs` without. A timer left behind would keep what was loaded for as long. */
function patiently(work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
