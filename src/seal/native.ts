import { resolve } from "node:path";
import type { Problem } from "../core/problem.ts";
import { isAddonLoader, isNative } from "../doctor/check-native-addons.ts";
import type { AppInput } from "../runtime/bundler.ts";
import { importPlace } from "./import-place.ts";
import { packageFolderOf } from "./packages.ts";

/** Imports of machine code in files of its own, each file or package once: the system loads it from disk. */
export function nativeProblems(folder: string, inputs: readonly AppInput[]): Problem[] {
  const judged = new Map<string, boolean>();
  const machineCodeOf = (path: string): string | undefined => {
    if (path.endsWith(".node")) return path;
    const owner = packageFolderOf(path);
    if (owner === undefined) return undefined;
    if (!judged.has(owner)) judged.set(owner, isMachineCode(resolve(folder, owner)));
    return judged.get(owner) ? owner : undefined;
  };
  const told = new Set<string>();
  return inputs.flatMap(({ path, imports }) =>
    imports.flatMap(({ path: target, specifier, isAbsent }) => {
      const found = isAbsent ? undefined : machineCodeOf(target);
      // What such a package takes itself belongs to it.
      if (found === undefined || told.has(found) || machineCodeOf(path) !== undefined) return [];
      told.add(found);
      return [nativeProblem(resolve(folder, path), specifier)];
    }),
  );
}

/** Whether the package in a folder has machine code, or is there to load that of others. */
export function isMachineCode(folder: string): boolean {
  return isNative(folder) || isAddonLoader(folder);
}

export function nativeText(specifier: string): Pick<Problem, "message" | "hint"> {
  return {
    message: `"${specifier}" is or loads machine code (a native addon), which the system takes from a file of its own`,
    hint: "Take a package without machine code, or run this service from the open supervisor.",
  };
}

function nativeProblem(file: string, specifier: string): Problem {
  return { code: "CANNOT_SEAL", ...nativeText(specifier), position: importPlace(file, specifier) };
}
