import { readFileSync } from "node:fs";
import { resolve } from "node:path";
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
    const found = byPath.get(module)?.exports;
    if (name === undefined || !found || found.includes(name)) return [];
    const file = resolve(folder, module);
    // With `export * from` a package of CommonJS more may come when it runs.
    if (/\bexport\s*\*\s*from\b/.test(codeOf(readFileSync(file, "utf8")))) return [];
    const { code, message, hint } = missingExport(file, name, found);
    return [{ code, hint, message: `Service "${service}": ${message}`, position }];
  });
  return inOrder(problems);
}
