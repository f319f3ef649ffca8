import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildInfo } from "../core/build-info.ts";
import { billOf } from "./bill.ts";
import type { Contents } from "./contents.ts";
import type { Kit } from "./kit.ts";
import type { SealedPackage } from "./packages.ts";
import { packageFolderOf, packagesOf } from "./packages.ts";

/** What `--supervisor-info` prints. */
export interface SealInfo {
  /** The supervisor's name, or the file's when that is decided at run time. */
  readonly name: string;
  /** Of everything that is inside: the same for the same inputs. 32 hexadecimal digits. */
  readonly buildId: string;
  readonly supervisor: BuildInfo;
  /** @example "bun 1.4.5" */
  readonly runtime: string;
  /** @example "linux-x64" */
  readonly target: string;
  /** The services.yaml and its overlays. */
  readonly files: readonly SealedFile[];
  readonly services: Contents["services"];
  /** The files of the services themselves, without those of packages. */
  readonly modules: readonly SealedFile[];
  readonly packages: readonly SealedPackage[];
  /** CycloneDX. */
  readonly sbom: object;
}

export interface SealedFile {
  /** From the folder of the services.yaml. */
  readonly path: string;
  readonly sha256: string;
}

export interface InfoOptions {
  readonly contents: Contents;
  readonly kit: Kit;
  /** All files that are bundled, from the folder of the services.yaml. */
  readonly inputs: readonly string[];
  readonly supervisor: BuildInfo;
  readonly runtime: string;
  readonly target: string;
}

export function infoOf({ contents, kit, inputs, supervisor, runtime, target }: InfoOptions): SealInfo {
  const { folder, texts, services, file } = contents;
  const files = Object.entries(texts).map(([path, text]) => ({ path, sha256: sha256(text) }));
  const read = [...inputs]
    .sort()
    .map((path) => ({ path, sha256: sha256(readFileSync(resolve(folder, path))) }));
  const packages = packagesOf(folder, inputs);
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
