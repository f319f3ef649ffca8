import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildInfo } from "../core/build-info.ts";
import type { AppInput } from "../runtime/bundler.ts";
import { billOf } from "./bill.ts";
import type { Contents } from "./contents.ts";
import type { SealInfo } from "./info.ts";
import type { Kit } from "./kit.ts";
import { linkedFolders, packageFolderOf, packagesOf } from "./packages.ts";

export interface InfoOptions {
  readonly contents: Contents;
  readonly kit: Kit;
  /** All files that are bundled. */
  readonly inputs: readonly AppInput[];
  readonly supervisor: BuildInfo;
  readonly runtime: string;
  readonly target: string;
}

export function infoOf({ contents, kit, inputs, supervisor, runtime, target }: InfoOptions): SealInfo {
  const { folder, texts, services, file } = contents;
  const files = Object.entries(texts).map(([path, text]) => ({ path, sha256: sha256(text) }));
  const paths = inputs.map(({ path }) => path);
  const read = [...paths]
    .sort()
    .map((path) => ({ path, sha256: sha256(readFileSync(resolve(folder, path))) }));
  const packages = packagesOf(folder, paths, linkedFolders(folder, inputs));
  const about = { supervisor, runtime, target, services, files };
  const info = {
    name: contents.name ?? file.replace(/\.ya?ml$/, ""),
    buildId: sha256(JSON.stringify([about, read, sha256(JSON.stringify(kit))])).slice(0, 32),
    ...about,
    modules: read.filter(({ path }) => packageFolderOf(path) === undefined),
    packages,
  };
  return { ...info, sbom: billOf(info, kit.packages) };
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
