import { dirname, posix, relative, sep } from "node:path";
import { nearestFile, readLooseJson } from "../doctor/nearest-file.ts";

/** What the deno.json of a folder says; empty without one. */
export function denoConfigOf(folder: string): Readonly<Record<string, unknown>> {
  return readLooseJson(`${folder}/deno.json`) ?? readLooseJson(`${folder}/deno.jsonc`) ?? {};
}

/**
 * What names mean in the services of a folder, as an import map with paths from there: what its deno.json says, and the
 * `paths` of its tsconfig.json, of which Deno reads nothing.
 */
export function denoImports(folder: string): Record<string, string> {
  const own = Object.entries(Object(denoConfigOf(folder).imports)).map(([name, target]) => [
    name,
    String(target),
  ]);
  return { ...pathsOf(folder), ...Object.fromEntries(own) };
}

/** Of each pattern the first place; those that an import map cannot say are left out, and so are types. */
function pathsOf(folder: string): Record<string, string> {
  const tsconfig = nearestFile(`${folder}/services.yaml`, "tsconfig.json");
  const options = Object(tsconfig && readLooseJson(tsconfig)?.compilerOptions) as Record<string, unknown>;
  const base = posix.join(dirname(tsconfig ?? folder), String(options.baseUrl ?? "."));
  const entries = Object.entries(Object(options.paths)).flatMap(([pattern, targets]) => {
    const target: unknown = Array.isArray(targets) ? targets[0] : undefined;
    if (typeof target !== "string" || target.endsWith(".d.ts")) return [];
    const isFolder = pattern.endsWith("/*") && target.endsWith("/*");
    if (!isFolder && (pattern.includes("*") || target.includes("*"))) return [];
    const path = relative(folder, posix.join(base, target.replace(/\*$/, "")))
      .split(sep)
      .join("/");
    const place = path.startsWith("..") ? path : `./${path}`;
    return [[pattern.replace(/\*$/, ""), isFolder ? `${place}/`.replace(/\/\/$/, "/") : place]];
  });
  return Object.fromEntries(entries);
}
