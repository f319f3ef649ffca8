import { existsSync, readFileSync } from "node:fs";
import { codeOf } from "./code-text.ts";
import type { Finding } from "./finding.ts";
import type { ImportStatement } from "./imports.ts";
import { isPackage, isPath } from "./imports.ts";
import type { SourceFile } from "./source-file.ts";
import { findFile, positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";

/** Types that are imported without `import type`, as a statement of their own. */
export function checkTypeImports(subject: Subject): Finding[] {
  return subject.sources.flatMap((source) =>
    source.imports.flatMap((statement) => {
      if (statement.typeOnly || statement.kind === "dynamic") return [];
      return inlineOnly(subject, source, statement) ?? asValues(subject, source, statement);
    }),
  );
}

/** `import { type X } from "package"` loads the package although nothing of it is used. */
function inlineOnly(
  { provided }: Subject,
  source: SourceFile,
  statement: ImportStatement,
): Finding[] | undefined {
  const { names, other, specifier, offset, kind } = statement;
  if (other || names.length === 0 || names.some(({ typeOnly }) => !typeOnly)) return undefined;
  if (!isPackage(specifier) || Object.hasOwn(provided, specifier)) return [];
  const list = names.map(({ name }) => name).join(", ");
  return [
    {
      level: "warn",
      code: "TYPE_IMPORT",
      message: `Only types are taken from "${specifier}", yet Deno loads it: a package that is not installed fails there`,
      remedy: `Write "${kind} type { ${list} } from …".`,
      position: positionIn(source, offset, specifier.length),
    },
  ];
}

/** Names that are types in the file, or the module, that they come from. */
function asValues(subject: Subject, source: SourceFile, statement: ImportStatement): Finding[] {
  const isType = typesOf(subject, source.file, statement.specifier);
  return statement.names
    .filter(({ name, typeOnly }) => !typeOnly && isType(name))
    .map(({ name, offset }) => ({
      // Nobody can leave out what is exported again without knowing the other file.
      level: statement.kind === "export" ? "error" : "warn",
      code: "TYPE_IMPORT",
      message: `"${name}" of "${statement.specifier}" is a type, but ${statement.kind}ed as if it were a value`,
      remedy: `Write "${statement.kind} type { ${name} } from …" as a statement of its own.`,
      position: positionIn(source, offset, name.length),
    }));
}

function typesOf(subject: Subject, from: string, specifier: string): (name: string) => boolean {
  const values = subject.provided[specifier];
  if (values) return (name) => name !== "default" && !values.includes(name);
  const target = isPath(specifier) ? findFile(from, specifier) : undefined;
  if (target === undefined || !/\.[mc]?tsx?$/.test(target)) return () => false;
  const code = codeOfFile(subject, target);
  const declares = (words: string, name: string) =>
    new RegExp(`\\bexport\\s+(?:declare\\s+)?${words}\\s+${name.replaceAll("$", "\\$")}\\b`).test(code);
  return (name) =>
    declares("(?:type|interface)", name) &&
    !declares("(?:abstract\\s+class|class|const|let|var|enum|(?:async\\s+)?function\\*?|namespace)", name);
}

function codeOfFile({ sources }: Subject, file: string): string {
  const known = sources.find((source) => source.file === file);
  if (known) return known.code;
  // A file of nothing but types: no runtime loads it, so it is not among the sources.
  return existsSync(file) ? codeOf(readFileSync(file, "utf8")) : "";
}
