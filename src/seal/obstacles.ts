import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { isAbsolute, resolve } from "node:path";
import type { Problem } from "../core/problem.ts";
import { codeOf } from "../doctor/code-text.ts";
import { isPackage, packageOf } from "../doctor/imports.ts";
import { packageFolder } from "../doctor/packages.ts";
import { positionIn } from "../doctor/source-file.ts";
import type { AppInput } from "../runtime/bundler.ts";
import type { Load } from "./loads.ts";
import { loadsIn } from "./loads.ts";
import { isMachineCode, nativeProblems, nativeText } from "./native.ts";
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
  for (const input of inputs) {
    if (!/\.[mc]?[jt]sx?$/.test(input.path)) continue;
    const owner = packageFolderOf(input.path);
    const file = resolve(folder, input.path);
    const text = readFileSync(file, "utf8");
    if (!mayMatter.test(text)) continue;
    for (const found of obstaclesIn({ file, text, input, isOwn: owner === undefined })) {
      // Of a package one place is enough: nobody here can change it.
      const key = `${found.name} ${owner ?? `${input.path}:${found.offset}`}`;
      if (told.has(key)) continue;
      told.add(key);
      const position = positionIn({ file, text }, found.offset, found.length);
      const problem = { code: "CANNOT_SEAL", message: found.message, hint: found.hint, position } as const;
      (found.isFatal && owner === undefined ? fatal : doubtful).push(problem);
    }
  }
  return { fatal, doubtful };
}

const mayMatter = /\bimport\s*\(|require|import\.meta|__dirname|__filename|dlopen/i;

interface File {
  readonly file: string;
  readonly text: string;
  readonly input: AppInput;
  /** Of the user, not of a package. */
  readonly isOwn: boolean;
}

interface Obstacle {
  /** Of each name one is told for a package. */
  readonly name: string;
  readonly isFatal: boolean;
  readonly message: string;
  readonly hint: string;
  readonly offset: number;
  readonly length: number;
}

function obstaclesIn(file: File): Obstacle[] {
  const code = codeOf(file.text);
  const loads = loadsIn(file.text, code).flatMap((load) => loadObstacle(file, load) ?? []);
  const others = patterns.flatMap(({ pattern, ...about }) => {
    const match = pattern.exec(code);
    return match
      ? [{ ...about, isFatal: false, offset: match.index, length: match[0].trimEnd().length }]
      : [];
  });
  return [...loads, ...others];
}

/** Patterns for code in which what stands in strings is blank. */
const patterns = [
  {
    name: "beside",
    pattern:
      /\bimport\.meta\.(?:dirname|dir|filename|path)\b|\bimport\.meta\.resolve\s*\(|\bnew\s+URL\s*\([^()]*\bimport\.meta\.url\b|(?<![.\w$])__(?:dirname|filename)\b/,
    message: "A file beside the module is not inside, and this looks for its path",
    hint: 'Import it (import text from "./file.txt" with { type: "text" }), or take its path from config:.',
  },
  {
    name: "dlopen",
    pattern: /\bprocess\s*\.\s*dlopen\s*\(/,
    message: "This loads machine code, which the system takes from a file of its own: none is inside",
    hint: "It has to be where this looks for it, on every machine.",
  },
] as const;

function loadObstacle({ file, input, isOwn }: File, load: Load): Obstacle | undefined {
  const { offset, length, kind, isSeen, isCertain, isShort, specifiers } = load;
  const at = { isFatal: isCertain, offset, length };
  // What is literal the bundler follows, or says that it is missing.
  if (isSeen) return specifiers ? undefined : { ...at, name: kind, ...computed[kind] };
  // In the minified code of a package a name of one letter is something else in every function.
  if (isShort && !isOwn) return undefined;
  if (!specifiers) return { ...at, name: kind, ...computed[kind] };
  const outside = specifiers.find((each) => !isInside(each, input));
  if (outside === undefined) return undefined;
  const owner = isPackage(outside) ? packageFolder(file, packageOf(outside)) : undefined;
  if (outside.endsWith(".node") || (owner !== undefined && isMachineCode(owner))) {
    return { ...at, name: "native", ...nativeText(outside) };
  }
  return {
    ...at,
    name: "outside",
    message: `"${outside}" is not inside: by this way of requiring it the bundler does not see it`,
    hint: `Import it: import … from "${outside}", or await import("${outside}").`,
  };
}

/** Inside for another reason, part of the runtime, or a place of the machine that is the same as before. */
function isInside(specifier: string, { imports }: AppInput): boolean {
  return (
    isBuiltin(specifier) || isAbsolute(specifier) || imports.some((each) => each.specifier === specifier)
  );
}

const computed = {
  import: {
    message: "What this imports is computed: only files that are named here can be put inside",
    hint: "Write an import with a literal name for each file that it may be.",
  },
  require: {
    message: "What this requires is computed: only files that are named here can be put inside",
    hint: "Import each file that it may be by its name.",
  },
} as const;
