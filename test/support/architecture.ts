import { dirname, join, normalize } from "node:path/posix";

/** A source file: its path below src/, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** For each folder or file of src/: the folders and files that it may import, itself aside. */
export type ImportTable = Readonly<Record<string, readonly string[]>>;

/** Every import that the table does not allow, as sentences. An area that the table lacks is one, too. */
export function forbiddenImports(files: readonly SourceFile[], table: ImportTable): string[] {
  return files.flatMap((file) => {
    const area = areaOf(file.path, table);
    if (area === undefined) return [`${file.path}: the import table has no row for it`];
    return importsOf(file)
      .filter((target) => {
        const targetArea = areaOf(target, table);
        return targetArea !== area && !isAllowed(target, table[area] ?? []);
      })
      .map((target) => `${file.path} may not import ${target}`);
  });
}

/** Every circle of imports, once, as `a.ts → b.ts → a.ts`. Dynamic and type imports count. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

/** Files that name a runtime although they are not the one place for it. Comments may name it. */
export function runtimeNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const bun = /\bBun\.|["']bun:/.test(code) && !/^runtime\/(.+-)?bun\.ts$/.test(path);
    const deno = /\bDeno\./.test(code) && !/^runtime\/(.+-)?deno\.ts$/.test(path);
    return [...(bun ? [`${path} names Bun`] : []), ...(deno ? [`${path} names Deno`] : [])];
  });
}

/** Files whose name is not kebab-case, or says nothing. */
export function badNames(paths: readonly string[]): string[] {
  const vague = /^(utils?|helpers?|common|misc|shared)$/;
  return paths.filter((path) =>
    path.split("/").some((part) => {
      const [stem = ""] = part.split(".");
      return vague.test(stem) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem);
    }),
  );
}

/** What a file imports from src/, as paths below it: static, type and dynamic imports. */
export function importsOf({ path, text }: SourceFile): string[] {
  const specifiers = withoutComments(text).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+\.ts)"/g);
  const targets = [...specifiers].map((match) => normalize(join(dirname(path), match[1] as string)));
  return [...new Set(targets)].filter((target) => !target.startsWith(".."));
}

/** The most specific row of the table: the file itself, else the nearest folder. */
function areaOf(path: string, table: ImportTable): string | undefined {
  for (let area = path; area !== "."; area = dirname(area)) if (Object.hasOwn(table, area)) return area;
  return undefined;
}

function isAllowed(target: string, allowed: readonly string[]): boolean {
  return allowed.some((area) => target === area || target.startsWith(`${area}/`));
}

// Strings are kept whole, so that "http://…" is no comment.
function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, string) => string ?? "",
  );
}
