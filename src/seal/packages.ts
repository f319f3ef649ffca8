import { realpathSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { isPackage, packageOf } from "../doctor/imports.ts";
import { readLooseJson } from "../doctor/nearest-file.ts";
import { packageFolder } from "../doctor/packages.ts";
import type { AppInput } from "../runtime/bundler.ts";

/** An installed package of which something is inside. */
export interface SealedPackage {
  readonly name: string;
  /** Absent when its manifest has none. */
  readonly version?: string;
  /** As its manifest says; usually an SPDX expression. */
  readonly license?: string;
}

/** The folder of the package that a file belongs to; undefined for files of the user. */
export function packageFolderOf(path: string): string | undefined {
  return /^.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

/** The folders of packages that are only linked: their files are the user's own, but they are imported by name. */
export function linkedFolders(folder: string, inputs: readonly AppInput[]): string[] {
  const root = realpathSync(folder);
  const found = inputs.flatMap(({ path, imports }) =>
    imports.flatMap(({ path: target, specifier }) => {
      if (!isPackage(specifier) || packageFolderOf(target) !== undefined) return [];
      const link = packageFolder(resolve(root, path), packageOf(specifier));
      const linked = link && realpathSync(link);
      return linked && resolve(root, target).startsWith(linked + sep) ? [linked] : [];
    }),
  );
  return [...new Set(found)];
}

/** The packages that some files belong to and those in the folders `linked`, each once, sorted. Paths are from `folder`. */
export function packagesOf(
  folder: string,
  paths: readonly string[],
  linked: readonly string[] = [],
): SealedPackage[] {
  const folders = new Set([...paths.flatMap((path) => packageFolderOf(path) ?? []), ...linked]);
  const found = new Map<string, SealedPackage>();
  for (const each of folders) {
    const one = packageIn(resolve(folder, each));
    found.set(`${one.name}@${one.version ?? ""}`, one);
  }
  return [...found.keys()].sort().map((key) => found.get(key) as SealedPackage);
}

function packageIn(folder: string): SealedPackage {
  const { name, version, license, licenses } = readLooseJson(join(folder, "package.json")) ?? {};
  const granted = licenseIn(license ?? licenses);
  return {
    name: typeof name === "string" ? name : folder.replace(/^.*\/node_modules\//, ""),
    ...(typeof version === "string" ? { version } : {}),
    ...(granted === undefined ? {} : { license: granted }),
  };
}

/** Also as manifests said it before SPDX: `{ "type": "MIT" }`, or several of which one may choose. */
function licenseIn(said: unknown): string | undefined {
  if (typeof said === "string") return said;
  if (Array.isArray(said)) return said.flatMap((each) => licenseIn(each) ?? []).join(" OR ") || undefined;
  const { type } = Object(said) as { readonly type?: unknown };
  return typeof type === "string" ? type : undefined;
}
