import { join, resolve } from "node:path";
import { readLooseJson } from "../doctor/nearest-file.ts";

/** An installed package of which something is inside. */
export interface SealedPackage {
  readonly name: string;
  readonly version: string;
  /** As its manifest says; usually an SPDX expression. */
  readonly license?: string;
}

/** The folder of the package that a file belongs to; undefined for files of the user. */
export function packageFolderOf(path: string): string | undefined {
  return /^.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

/** The packages that some files belong to, each once, sorted. Paths are from `folder`. */
export function packagesOf(folder: string, paths: readonly string[]): SealedPackage[] {
  const folders = new Set(paths.flatMap((path) => packageFolderOf(path) ?? []));
  const found = new Map<string, SealedPackage>();
  for (const each of folders) {
    const one = packageIn(resolve(folder, each));
    found.set(`${one.name}@${one.version}`, one);
  }
  return [...found.keys()].sort().map((key) => found.get(key) as SealedPackage);
}

function packageIn(folder: string): SealedPackage {
  const { name, version, license } = readLooseJson(join(folder, "package.json")) ?? {};
  return {
    name:
      typeof name === "string"
        ? name
        : folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length),
    version: typeof version === "string" ? version : "0.0.0",
    ...(typeof license === "string" ? { license } : {}),
  };
}
