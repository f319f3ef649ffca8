/** One import of a file, or an export from another one. */
export interface ImportStatement {
  readonly specifier: string;
  /** Where the specifier begins in the text, behind its quote. */
  readonly offset: number;
  readonly kind: "import" | "export" | "dynamic";
  /** `import type …`: nothing of it is left when the code runs. */
  readonly typeOnly: boolean;
  /** The names between its braces. */
  readonly names: readonly ImportedName[];
  /** It takes more than the names between braces: a default, a namespace, or only the effect of loading. */
  readonly other: boolean;
}

export interface ImportedName {
  readonly name: string;
  /** `{ type Name }` */
  readonly typeOnly: boolean;
  readonly offset: number;
}

/** The imports of `text` in their order. `code` is what `codeOf` makes of it. */
export function importsIn(text: string, code: string): ImportStatement[] {
  const found: ImportStatement[] = [];
  for (const match of code.matchAll(fromClause)) {
    const [whole, kind, type, clause = ""] = match;
    const names = namesIn(clause, match.index + whole.indexOf(clause, (kind as string).length));
    found.push({
      ...specifierAt(text, match.index + whole.length),
      kind: kind as "import" | "export",
      typeOnly: type !== undefined,
      names,
      other: clause.replace(/\{[^}]*\}/, "").replace(/[\s,]/g, "") !== "" || !clause.includes("{"),
    });
  }
  for (const match of code.matchAll(effect)) {
    const at = specifierAt(text, match.index + match[0].length);
    found.push({ ...at, kind: "import", typeOnly: false, names: [], other: true });
  }
  for (const match of code.matchAll(dynamic)) {
    const at = specifierAt(text, match.index + match[0].length);
    found.push({ ...at, kind: "dynamic", typeOnly: false, names: [], other: true });
  }
  return found.sort((a, b) => a.offset - b.offset);
}

const fromClause =
  /(?<![.\w$])(import|export)\b(\s+type(?=\s*[{*]|\s+(?!from\b)[\w$]))?((?:(?!\b(?:import|export)\b)[\s\w$*{},])*?)\bfrom\s*["']/g;
const effect = /(?<![.\w$])import\s*["']/g;
const dynamic = /(?<![.\w$])import\s*\(\s*["'](?=\s*["']\s*[,)])/g;

function specifierAt(text: string, offset: number): { specifier: string; offset: number } {
  const quote = text[offset - 1] as string;
  return { specifier: text.slice(offset, text.indexOf(quote, offset)), offset };
}

function namesIn(clause: string, start: number): ImportedName[] {
  const open = clause.indexOf("{");
  if (open < 0) return [];
  const names: ImportedName[] = [];
  for (const match of clause.slice(open + 1).matchAll(/[^,{}]+/g)) {
    const name = /^\s*(type\s+(?!as\b))?([\w$]+)/.exec(match[0]);
    if (!name) continue;
    const offset = start + open + 1 + match.index + match[0].search(/\S/);
    names.push({ name: name[2] as string, typeOnly: name[1] !== undefined, offset });
  }
  return names;
}

/** @example packageOf("@scope/name/sub") // "@scope/name" */
export function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Whether a specifier names a file by its place: `./x`, `../x`, `/x`. */
export function isPath(specifier: string): boolean {
  return /^(\.{1,2}(\/|$)|\/)/.test(specifier);
}

/** Whether it names a package: no path, no scheme such as `node:`, no `#name` of the package itself. */
export function isPackage(specifier: string): boolean {
  return !isPath(specifier) && !/^([a-z][\w+.-]*:|#)/i.test(specifier) && specifier !== "";
}
