import { basename, extname } from "node:path";
import type { Finding } from "./finding.ts";
import { isPath } from "./imports.ts";
import { findFile, positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";
import { levelOn } from "./subject.ts";

/** Relative imports that do not name their file in full. */
export function checkExtensions(subject: Subject): Finding[] {
  return subject.sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, offset, typeOnly }) => {
      if (!isPath(specifier) || typeOnly) return [];
      const target = findFile(source.file, specifier);
      // What exists nowhere is `check`'s to tell: it loads the module.
      if (target === undefined || target.endsWith(basename(specifier.replace(/[?#].*$/, "")))) return [];
      const right = rightSpecifier(specifier, target);
      return {
        level: levelOn(subject, "deno"),
        code: "IMPORT_EXTENSION",
        message: `"${specifier}" does not name its file in full: Bun finds it, Deno does not`,
        remedy: `Write "${right}".`,
        position: positionIn(source, offset, specifier.length),
      } satisfies Finding;
    }),
  );
}

function rightSpecifier(specifier: string, target: string): string {
  const name = basename(target);
  const stem = name.slice(0, -extname(name).length);
  const folder = specifier.replace(/\/$/, "");
  if (stem === "index" && basename(folder).replace(/\.[mc]?js$/, "") !== "index") return `${folder}/${name}`;
  const slash = specifier.lastIndexOf("/") + 1;
  return `${specifier.slice(0, slash)}${name}`;
}
