import { posix, relative, sep } from "node:path";
import { nearestFile } from "../doctor/nearest-file.ts";
import type { AppSource } from "../runtime/bundler.ts";
import { entry } from "./app.ts";
import { denoConfigOf, denoImports } from "./deno-imports.ts";

/**
 * The same app as files for `deno compile`: literal imports only, and a deno.json that says what `supervisor` is.
 *
 * @param out the folder where the files will lie, absolute
 * @param types what `supervisor` exports, as an ambient module
 * @returns the text of each file by its path from `out`
 */
export function denoFiles(app: AppSource, out: string, types: string): Record<string, string> {
  const files = Object.entries(app.files).map(
    ([name, text]) => [name, withPaths(text, app.folder, out)] as const,
  );
  const entries = Object.fromEntries(files.filter(([name]) => !app.entries.includes(name)));
  const [main = "", ...threads] = app.entries;
  return {
    ...entries,
    "kit/mod.js": `// @ts-self-types="./mod.d.ts"\n${app.files["kit/mod.js"]}`,
    "kit/mod.d.ts": moduleTypes(types),
    "main.ts": app.files[main] as string,
    // Beside the files of the kit: threads are found from there.
    ...Object.fromEntries(threads.map((name) => [threadFile(name), thread(name)])),
    "deno.json": denoConfig(app.folder, out),
  };
}

/** What `deno compile` has to be told to include, as its graph cannot know it. */
export function denoIncludes(app: AppSource): string[] {
  return app.entries.slice(1).map(threadFile);
}

/** Whether a main.ts is one of `denoFiles`. */
export function isDenoEntry(text: string): boolean {
  return text === entry("main");
}

function threadFile(name: string): string {
  return `kit/${name.replace(/\.js$/, ".ts")}`;
}

function thread(name: string): string {
  return `import "../contents.js";\nimport "./${name}";\n`;
}

/** `app:path` is the path from `out`. */
function withPaths(text: string, folder: string, out: string): string {
  return text.replace(/import\("app:([^"]+)"\)/g, (_, path: string) => {
    return `import(${JSON.stringify(pathFrom(out, posix.join(folder, path)))})`;
  });
}

/** @example pathFrom("/srv/out", "/srv/a.ts") // "../a.ts" */
function pathFrom(folder: string, path: string): string {
  const target = relative(folder, path).split(sep).join("/");
  return target.startsWith(".") ? target : `./${target}`;
}

/** With what the deno.json of the services already says: only one of them can be read. */
function denoConfig(folder: string, out: string): string {
  const own = denoConfigOf(folder);
  const mapped = Object.entries(denoImports(folder)).map(([name, target]) => {
    const isPath = /^\.\.?\//.test(target);
    const end = target.endsWith("/") ? "/" : "";
    return [name, isPath ? pathFrom(out, posix.join(folder, target)) + end : target];
  });
  const config = {
    nodeModulesDir:
      own.nodeModulesDir ?? (nearestFile(`${folder}/services.yaml`, "node_modules") ? "manual" : "none"),
    ...(own.compilerOptions ? { compilerOptions: own.compilerOptions } : {}),
    imports: { ...Object.fromEntries(mapped), supervisor: "./kit/mod.js" },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Of an ambient module the file that declares the same. */
function moduleTypes(ambient: string): string {
  const body = ambient.slice(ambient.indexOf("{\n") + 2, ambient.lastIndexOf("}"));
  return `${body.replace(/^ {2}/gm, "")}export const ServiceGroup: new (...args: unknown[]) => unknown;\n`;
}
