import { realpathSync, statSync } from "node:fs";
import { posix, relative, resolve } from "node:path";
import type { AppInput, AppSource } from "./bundler.ts";

const namespace = "supervisor";
/** Before the name of a generated file, as an entry. */
export const generated = "supervisor-sealed/";

/** Whether a path that the bundler tells is that of a generated file. */
export function isGenerated(path: string): boolean {
  return path.startsWith(`${namespace}:`);
}

/** The generated files of an app, and its own files by their path. */
export function generatedFiles({ folder, files, provided }: AppSource): Bun.BunPlugin {
  const isOurs = (path: string) => Object.hasOwn(files, path);
  return {
    name: namespace,
    setup(build) {
      build.onResolve({ filter: /^supervisor-sealed\// }, ({ path }) => ({
        path: path.slice(generated.length),
        namespace,
      }));
      build.onResolve({ filter: /^app:/ }, ({ path }) => ({
        // What a module imports is found from where its file is, not from a link to it.
        path: realpathSync(resolve(folder, path.slice("app:".length))),
      }));
      build.onResolve({ filter: /^\.\.?\// }, ({ path, importer }) => {
        if (!isOurs(importer)) return undefined;
        const name = posix.join(posix.dirname(importer), path);
        return isOurs(name) ? { path: name, namespace } : undefined;
      });
      for (const [name, file] of Object.entries(provided)) {
        build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: file, namespace }));
      }
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({
        contents: files[path] as string,
        loader: "js",
      }));
    },
  };
}

/** What Deno finds and Bun does not: by an import map, and by `npm:`, `jsr:` and `https:`. */
export function mappedImports({ folder }: AppSource, map: Readonly<Record<string, string>>): Bun.BunPlugin {
  const root = realpathSync(folder);
  const names = Object.keys(map).sort((one, other) => other.length - one.length);
  return {
    name: "deno",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, namespace: ofImporter, resolveDir }) => {
        if (ofImporter !== "file") return undefined;
        const name = names.find((each) => each === path || (each.endsWith("/") && path.startsWith(each)));
        const target = name === undefined ? path : `${map[name]}${path.slice(name.length)}`;
        const file = name !== undefined && /^\.\.?\//.test(target) ? resolve(root, target) : undefined;
        if (file !== undefined && statSync(file, { throwIfNoEntry: false })?.isFile()) return { path: file };
        if (!/^(?:npm|jsr|https?):/.test(target) || isThere(path, resolveDir)) return undefined;
        return { path, external: true };
      });
    },
  };
}

/**
 * Of a `require()` in a `try` that finds nothing Bun makes a throw of an error without `code`; packages look at it, to tell what
 * is not installed from what fails.
 */
export function absentModules({ folder }: AppSource, inputs: readonly AppInput[]): Bun.BunPlugin {
  const absent = inputs.flatMap(({ path, imports }) =>
    imports.filter(({ isAbsent }) => isAbsent).map(({ specifier }) => ({ by: path, specifier })),
  );
  const root = realpathSync(folder);
  const texts = new Map(absent.map(({ by, specifier }) => [`${by} ${specifier}`, throwing(specifier, by)]));
  return {
    name: "absent",
    setup(build) {
      if (texts.size === 0) return;
      build.onResolve({ filter: /./ }, ({ path: specifier, importer, kind }) => {
        const path = `${relative(root, importer)} ${specifier}`;
        return kind === "require-call" && texts.has(path) ? { path, namespace: "absent" } : undefined;
      });
      build.onLoad({ filter: /./, namespace: "absent" }, ({ path }) => ({
        contents: texts.get(path) as string,
        loader: "js",
      }));
    },
  };
}

/** A module that throws each time it is required, not only the first time. */
function throwing(specifier: string, by: string): string {
  const about = JSON.stringify({ code: "MODULE_NOT_FOUND", requireStack: [by] });
  return `Object.defineProperty(module, "exports", {
  get() { throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${specifier}'`)}), ${about}); },
});
`;
}

/** Whether the runtime finds it by itself. */
export function isThere(specifier: string, folder: string): boolean {
  try {
    Bun.resolveSync(specifier, folder);
    return true;
  } catch {
    // That is how it says so.
    return false;
  }
}
