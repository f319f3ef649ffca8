import { readFileSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { inOrder } from "../config/findings.ts";
import { missingExport } from "../core/missing-export.ts";
import type { Problem } from "../core/problem.ts";
import { codeOf } from "../doctor/code-text.ts";
import type { AppInput } from "../runtime/bundler.ts";
import type { Contents } from "./contents.ts";

/**
 * Services whose module has no export of the name that services.yaml says. Nothing of the modules is run, so what an export is
 * remains unknown, and so do the exports of CommonJS.
 */
export function missingExports({ folder, exports }: Contents, inputs: readonly AppInput[]): Problem[] {
  const byPath = new Map(inputs.map((input) => [input.path, input]));
  const problems = exports.flatMap(({ service, module, name, position }) => {
    const file = resolve(folder, module);
    const found = byPath.get(pathOf(file, folder))?.exports;
    if (name === undefined || !found || found.includes(name)) return [];
    // With `export * from` a package of CommonJS more may come when it runs.
    if (/\bexport\s*\*\s*from\b/.test(codeOf(readFileSync(file, "utf8")))) return [];
    const { code, message, hint } = missingExport(file, name, found);
    return [{ code, hint, message: `Service "${service}": ${message}`, position }];
  });
  return inOrder(problems);
}

/** As inputs are called, by the file itself: `module:` may name a link to it. */
function pathOf(file: string, folder: string): string {
  return relative(realpathSync(folder), realpathSync(file)).split(sep).join("/");
}
