import { resolve } from "node:path";
import type { Problem } from "../core/problem.ts";
import type { AppImport, AppInput } from "../runtime/bundler.ts";
import { importPlace } from "./import-place.ts";
import type { Obstacles } from "./obstacles.ts";
import { packageFolderOf } from "./packages.ts";

/** Imports of what Bun does not put into an executable as it is: code from the network, and files that it only gives a path. */
export function oddImports(folder: string, inputs: readonly AppInput[]): Obstacles {
  const fatal: Problem[] = [];
  const doubtful: Problem[] = [];
  const files = new Set(inputs.map(({ path }) => path));
  for (const { path, imports } of inputs) {
    for (const each of imports) {
      const odd = oddity(each, files);
      if (!odd) continue;
      const position = importPlace(resolve(folder, path), each.specifier);
      const isOwn = packageFolderOf(path) === undefined;
      const { isFatal, message, hint } = odd;
      (isFatal && isOwn ? fatal : doubtful).push({ code: "CANNOT_SEAL", message, hint, position });
    }
  }
  return { fatal, doubtful };
}

interface Oddity extends Pick<Problem, "message" | "hint"> {
  readonly isFatal: boolean;
}

function oddity(
  { specifier, path, type, isAbsent }: AppImport,
  files: ReadonlySet<string>,
): Oddity | undefined {
  if (isAbsent) return undefined;
  if (/^(?:https?:)?\/\//.test(specifier)) {
    return {
      isFatal: true,
      message: `"${specifier}" is code from the network: nothing is downloaded, neither now nor when it runs`,
      hint: "Install it as a package, keep a copy beside the module, or build with --deno.",
    };
  }
  if (type !== undefined || !files.has(path) || known.test(path)) return undefined;
  return {
    isFatal: false,
    message: `"${specifier}" is no code, JSON or text: it becomes a path, and the open supervisor does not load it`,
    hint: 'Read it from beside the executable, by a path of config:. Text can be imported with { type: "text" }.',
  };
}

/** What the bundler understands. */
const known = /\.(?:[mc]?[jt]sx?|json[c5]?|ya?ml|toml|txt|md|css|html|node)$/;
