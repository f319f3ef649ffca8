import { relative } from "node:path";
import type { Finding } from "./finding.ts";
import { isPackage } from "./imports.ts";
import { nearestFile, readLooseJson } from "./nearest-file.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";
import { levelOn } from "./subject.ts";

/** Imports that only the `paths` of a tsconfig.json explain. */
export function checkTsconfigPaths(subject: Subject): Finding[] {
  return subject.sources.flatMap((source) => {
    const mapped = mappedBy(source.file);
    return source.imports
      .filter(({ specifier, typeOnly }) => !typeOnly && mapped(specifier))
      .map(({ specifier, offset }) => ({
        level: levelOn(subject, "deno"),
        code: "TSCONFIG_PATHS",
        message: `"${specifier}" is found by the paths of a tsconfig.json, which Deno ignores`,
        remedy: `Name it in package.json instead: "imports": { "#…": "./…" }, or import the file by its relative path.`,
        position: positionIn(source, offset, specifier.length),
      }));
  });
}

/** Tells whether the `paths` above `file` have something for a specifier that names a package or an alias. */
export function mappedBy(file: string): (specifier: string) => boolean {
  const tsconfig = nearestFile(file, "tsconfig.json");
  // Another project's settings, above node_modules, are not this file's.
  if (tsconfig === undefined || relative(tsconfig, file).includes("node_modules")) return () => false;
  const options = readLooseJson(tsconfig)?.compilerOptions as { paths?: unknown } | undefined;
  if (typeof options?.paths !== "object" || options.paths === null) return () => false;
  const patterns = Object.keys(options.paths).filter((pattern) => pattern !== "*");
  return (specifier) => isPackage(specifier) && patterns.some((pattern) => fits(pattern, specifier));
}

function fits(pattern: string, specifier: string): boolean {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return pattern === specifier;
  return specifier.startsWith(before) && specifier.endsWith(after);
}
