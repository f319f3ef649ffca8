import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";
import { isPackage, packageOf } from "./imports.ts";
import { readLooseJson } from "./nearest-file.ts";
import { dependenciesOf, packageFolder } from "./packages.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";

/** Packages with machine code, among those that are imported and all that they depend on. */
export function checkNativeAddons({ sources }: Subject): Finding[] {
  const told = new Set<string>();
  const native = addonFinder();
  return sources.flatMap((source) =>
    source.imports.flatMap((statement) => {
      const { specifier, offset, typeOnly } = statement;
      const at = positionIn(source, offset, specifier.length);
      if (/\.node$/.test(specifier)) return addon(`"${specifier}" is machine code`, at);
      if (typeOnly || !isPackage(specifier)) return [];
      const name = packageOf(specifier);
      const folder = packageFolder(source.file, name);
      if (folder === undefined || told.has(folder)) return [];
      told.add(folder);
      const [by, ...others] = native(folder);
      if (by === undefined) return [];
      const more = others.length > 0 ? `, and ${others.length} more` : "";
      const who =
        by === name ? `Package "${name}" is` : `Package "${name}" depends on "${by}"${more}, which is`;
      return addon(`${who} in part machine code`, at);
    }),
  );
}

function addon(what: string, position: ReturnType<typeof positionIn>): Finding {
  return {
    level: "warn",
    code: "NATIVE_ADDON",
    message: `${what}: it works only where it was built, and not on every runtime`,
    remedy: "Try it on each platform and runtime that you deploy to, or take a package without machine code.",
    position,
  };
}

/** More packages than this are not looked at: they would take longer than anybody wants to wait. */
const most = 3_000;

/** Returns the names of packages with machine code at and below a folder. */
function addonFinder(): (folder: string) => string[] {
  const judged = new Map<string, boolean>();
  return (start) => {
    const seen = new Set([start]);
    const found: string[] = [];
    for (const folder of seen) {
      if (!judged.has(folder)) judged.set(folder, isNative(folder));
      if (judged.get(folder)) found.push(nameOf(folder));
      for (const name of dependenciesOf(folder)) {
        const below = packageFolder(join(folder, "package.json"), name);
        if (below !== undefined && seen.size < most) seen.add(below);
      }
    }
    return found;
  };
}

/** Whether a package has machine code: its build file, a loader, or the built files where they usually are. */
export function isNative(folder: string): boolean {
  if (existsSync(join(folder, "binding.gyp"))) return true;
  const manifest = readLooseJson(join(folder, "package.json"));
  if (manifest?.gypfile === true || manifest?.binary !== undefined || manifest?.napi !== undefined)
    return true;
  if (Object.keys(Object(manifest?.dependencies)).some((name) => loaders.has(name))) return true;
  return ["", "build/Release", "prebuilds"].some((below) => hasAddon(join(folder, below)));
}

/** Whether a package is one of those that find and load the machine code of others. */
export function isAddonLoader(folder: string): boolean {
  return loaders.has(nameOf(folder));
}

const loaders = new Set([
  "bindings",
  "node-gyp-build",
  "prebuild-install",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
]);

function hasAddon(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { recursive: folder.endsWith("prebuilds"), encoding: "utf8" }).some((name) =>
    name.endsWith(".node"),
  );
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
}
