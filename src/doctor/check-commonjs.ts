import type { Finding } from "./finding.ts";
import { nearestFile, readLooseJson } from "./nearest-file.ts";
import type { SourceFile } from "./source-file.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";
import { levelOn } from "./subject.ts";

/** Words of CommonJS in ES modules, each once per file. */
export function checkCommonjs(subject: Subject): Finding[] {
  return subject.sources.flatMap((source) => {
    if (isCommonjs(source)) return [];
    return words.flatMap(({ pattern, name, instead }) => {
      const match = pattern.exec(source.code);
      if (!match || declares(source.code, name)) return [];
      const offset = match.index + match[0].indexOf(name);
      return {
        level: levelOn(subject, "deno"),
        code: "COMMONJS",
        message: `"${name}" belongs to CommonJS: in an ES module only Bun knows it`,
        remedy: instead,
        position: positionIn(source, offset, name.length),
      } satisfies Finding;
    });
  });
}

const words = [
  {
    name: "require",
    pattern: /(?<![.\w$])require\s*\(/,
    instead: 'Use import; or, for JSON and the like, createRequire(import.meta.url) from "node:module".',
  },
  { name: "module.exports", pattern: /(?<![.\w$])module\.exports\b/, instead: 'Write "export default …".' },
  { name: "__dirname", pattern: /(?<![.\w$])__dirname\b/, instead: "Use import.meta.dirname." },
  { name: "__filename", pattern: /(?<![.\w$])__filename\b/, instead: "Use import.meta.filename." },
] as const;

/** Its own `const require = createRequire(…)`, a parameter of that name, an import of it. */
function declares(code: string, name: string): boolean {
  return new RegExp(
    `\\b(?:const|let|var|function)\\s+${name}\\b|\\b(?:const|let|var)\\s*\\{[^}]*\\b${name}\\b`,
  ).test(code);
}

function isCommonjs({ file, code, imports }: SourceFile): boolean {
  if (/\.c[jt]s$/.test(file)) return true;
  if (/^\.[mt]/.test(file.slice(file.lastIndexOf("."))) || imports.some(({ kind }) => kind !== "dynamic"))
    return false;
  const manifest = nearestFile(file, "package.json");
  const type = manifest === undefined ? undefined : readLooseJson(manifest)?.type;
  return type !== "module" && !/(?<![.\w$])export\b/.test(code);
}
