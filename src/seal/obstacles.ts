import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Problem } from "../core/problem.ts";
import { isNative } from "../doctor/check-native-addons.ts";
import { codeOf } from "../doctor/code-text.ts";
import { positionIn } from "../doctor/source-file.ts";
import type { AppInput } from "../runtime/bundler.ts";
import { packageFolderOf } from "./packages.ts";

/** What will not work in a sealed executable: `fatal` for certain, `doubtful` if that code ever runs. */
export interface Obstacles {
  readonly fatal: readonly Problem[];
  readonly doubtful: readonly Problem[];
}

/** Looks through the files that an executable will be made of. */
export function findObstacles(folder: string, inputs: readonly AppInput[]): Obstacles {
  const fatal: Problem[] = nativeProblems(folder, inputs);
  const doubtful: Problem[] = [];
  const told = new Set<string>();
  for (const { path } of inputs) {
    if (!/\.[mc]?[jt]sx?$/.test(path)) continue;
    const owner = packageFolderOf(path);
    const file = resolve(folder, path);
    const text = readFileSync(file, "utf8");
    const code = mayMatter.test(text) ? codeOf(text) : "";
    for (const kind of kinds) {
      // Of a package one place is enough: nobody here can change it.
      const key = `${kind.name} ${owner ?? path}`;
      const match = code && !told.has(key) ? kind.pattern.exec(code) : undefined;
      if (!match) continue;
      told.add(key);
      const position = positionIn({ file, text }, match.index, match[0].trimEnd().length);
      const problem = { code: "CANNOT_SEAL", message: kind.message, hint: kind.hint, position } as const;
      (kind.fatal && owner === undefined ? fatal : doubtful).push(problem);
    }
  }
  return { fatal, doubtful };
}

const mayMatter = /\bimport\s*\(|\brequire\b|import\.meta|__dirname|__filename|new Worker/;

const literal = String.raw`(?=[^"'\s]|["'] *["']\s*[^\s,)])`;

/** Patterns for code in which what stands in strings is blank. */
const kinds = [
  {
    name: "import",
    fatal: true,
    pattern: new RegExp(String.raw`(?<![.\w$])import\s*\(\s*${literal}`),
    message: "What this imports is computed: only files that are named here can be put inside",
    hint: "Write an import with a literal name for each file that it may be.",
  },
  {
    name: "require",
    fatal: true,
    pattern: new RegExp(String.raw`(?<![.\w$]|function )require\s*\(\s*${literal}`),
    message: "What this requires is computed: only files that are named here can be put inside",
    hint: "Import each file that it may be by its name.",
  },
  {
    name: "beside",
    fatal: false,
    pattern:
      /\bimport\.meta\.(?:dirname|dir|filename|path)\b|\bnew\s+URL\s*\([^()]*\bimport\.meta\.url\b|(?<![.\w$])__(?:dirname|filename)\b/,
    message: "A file beside the module is not inside, and this looks for its path",
    hint: 'Import it (import text from "./file.txt" with { type: "text" }), or take its path from config:.',
  },
] as const;

/** Machine code in files of its own: the system loads it from disk. */
function nativeProblems(folder: string, inputs: readonly AppInput[]): Problem[] {
  const judged = new Map<string, boolean>();
  const isMachineCode = (path: string): string | undefined => {
    if (path.endsWith(".node")) return path;
    const owner = packageFolderOf(path);
    if (owner === undefined) return undefined;
    if (!judged.has(owner)) judged.set(owner, isNative(resolve(folder, owner)));
    return judged.get(owner) ? owner : undefined;
  };
  const told = new Set<string>();
  return inputs.flatMap(({ path, imports }) =>
    imports.flatMap(({ path: target, specifier }) => {
      const found = isMachineCode(target);
      if (found === undefined || isMachineCode(path) === found || told.has(found)) return [];
      told.add(found);
      return [nativeProblem(resolve(folder, path), specifier)];
    }),
  );
}

function nativeProblem(file: string, specifier: string): Problem {
  const text = readFileSync(file, "utf8");
  const offset = Math.max(0, text.indexOf(`"${specifier}"`), text.indexOf(`'${specifier}'`)) + 1;
  return {
    code: "CANNOT_SEAL",
    message: `"${specifier}" is in part machine code (a native addon), which the system loads from a file of its own`,
    hint: "Take a package without machine code, or run this service from the open supervisor.",
    position: positionIn({ file, text }, offset, specifier.length),
  };
}
