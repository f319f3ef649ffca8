import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Position } from "../core/problem.ts";
import { codeOf } from "./code-text.ts";
import type { ImportStatement } from "./imports.ts";
import { importsIn, isPath } from "./imports.ts";

/** A file of the user that a service's module is, or imports. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
  /** `text` with blanks for comments and for what stands in strings: see `codeOf`. */
  readonly code: string;
  readonly imports: readonly ImportStatement[];
}

/**
 * The modules and every local file that they reach through imports, each once; runs none of them. Files that cannot
 * be read or are no code are left out. `localImports` is the runtime's.
 */
export async function readSources(
  modules: readonly string[],
  localImports: (file: string) => Promise<string[]>,
): Promise<SourceFile[]> {
  const files = new Set(modules);
  const sources: SourceFile[] = [];
  for (const file of files) {
    const source = readSource(file);
    if (!source) continue;
    sources.push(source);
    for (const found of await localImports(file)) files.add(found);
    // A runtime that wants extensions does not see where an import without one would lead.
    for (const { specifier, typeOnly } of source.imports) {
      const target = isPath(specifier) && !typeOnly ? findFile(file, specifier) : undefined;
      if (target !== undefined) files.add(target);
    }
  }
  return sources;
}

/** The place of `length` characters from `offset` on. */
export function positionIn(
  { file, text }: Pick<SourceFile, "file" | "text">,
  offset: number,
  length: number,
): Position {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const line = text.slice(0, offset).split("\n").length;
  const lineText = text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
  return { file, line, column: offset - start + 1, text: lineText, length: Math.max(1, length) };
}

/** The file that a relative specifier means, also without its extension; undefined when there is none. */
export function findFile(from: string, specifier: string): string | undefined {
  const path = (specifier.startsWith("file:") ? fileURLToPath(specifier) : specifier).replace(/[?#].*$/, "");
  const base = path.startsWith("/") ? path : join(dirname(from), path);
  // TypeScript's own custom: what is written .js may be a .ts.
  const written = /^(.*)\.([mc]?)js$/.exec(base);
  const candidates = [
    base,
    ...(written ? [`${written[1]}.${written[2]}ts`] : []),
    ...extensions.map((extension) => `${base}${extension}`),
    ...extensions.map((extension) => join(base, `index${extension}`)),
  ];
  return candidates.find((each) => existsSync(each) && statSync(each).isFile());
}

const extensions = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".json"];

function readSource(file: string): SourceFile | undefined {
  if (!/\.[mc]?[jt]sx?$/.test(file) || file.includes("/node_modules/")) return undefined;
  try {
    const text = readFileSync(file, "utf8");
    const code = codeOf(text);
    return { file, text, code, imports: importsIn(text, code) };
  } catch {
    // The check of permissions says so.
    return undefined;
  }
}
