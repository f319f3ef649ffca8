import type { AppSource } from "../runtime/bundler.ts";
import type { Contents } from "./contents.ts";
import type { Kit } from "./kit.ts";

/**
 * The source of a sealed executable: the kit, and what starts it with the contents.
 *
 * @param info what it tells of itself
 * @param apart files that are not put together with others: where two declare the same name, one of them would be renamed,
 * and classes and functions be called otherwise than from source
 */
export function appOf(
  { folder, file, texts, services }: Contents,
  { files }: Kit,
  info: unknown,
  apart: readonly string[] = [],
): AppSource {
  const modules = [...new Set([...services.map(({ module }) => module), ...apart])].sort();
  return {
    folder,
    files: {
      ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`kit/${name}`, text])),
      "contents.js": contents(file, texts, modules),
      "info.js": `export default ${json(info)};\n`,
      ...Object.fromEntries(threads.map((name) => [`${name}.js`, entry(name)])),
    },
    entries: threads.map((name) => `${name}.js`),
    provided: { supervisor: "kit/mod.js" },
  };
}

/** The first is the process; the names of the others are those by which the kit starts them. */
const threads = ["main", "operator", "worker"];

/** Imports run in their order: what is sealed is known before any code of the supervisor looks for it. */
export function entry(name: string): string {
  return `import "./contents.js";\nimport "./kit/${name}.js";\n`;
}

function contents(file: string, texts: Contents["texts"], modules: readonly string[]): string {
  const imports = modules.map((path) => `    ${json(path)}: () => import(${json(`app:${path}`)}),\n`);
  return `import { seal } from "./kit/sealed.js";

seal({
  file: ${json(file)},
  texts: ${json(texts)},
  modules: {
${imports.join("")}  },
  info: () => import("./info.js"),
});
`;
}

/** JSON that is JavaScript, too. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
