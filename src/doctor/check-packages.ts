import { isBuiltin } from "node:module";
import { mappedBy } from "./check-tsconfig-paths.ts";
import type { Finding } from "./finding.ts";
import { isPackage, packageOf } from "./imports.ts";
import { nearestFile, readLooseJson } from "./nearest-file.ts";
import { packageFolder } from "./packages.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";

/** Packages that are imported but not installed beside the module. */
export function checkPackages({ sources, provided }: Subject): Finding[] {
  return sources.flatMap((source) => {
    const mapped = mappedBy(source.file);
    return source.imports.flatMap(({ specifier, offset, typeOnly, kind }) => {
      if (typeOnly || !isPackage(specifier) || isBuiltin(specifier) || specifier === "bun") return [];
      if (Object.hasOwn(provided, specifier) || mapped(specifier)) return [];
      const name = packageOf(specifier);
      if (packageFolder(source.file, name) !== undefined || isItself(source.file, name)) return [];
      return {
        // Code that imports when it runs may be ready for its absence.
        level: kind === "dynamic" ? "warn" : "error",
        code: "PACKAGE_MISSING",
        message: `Package "${name}" is imported but not installed where the module lives`,
        remedy: `In the folder of the module: npm install ${name}; or correct the import.`,
        position: positionIn(source, offset, specifier.length),
      } satisfies Finding;
    });
  });
}

/** A package may import itself by its own name. */
function isItself(file: string, name: string): boolean {
  const manifest = nearestFile(file, "package.json");
  return manifest !== undefined && readLooseJson(manifest)?.name === name;
}
