import type { BuildInfo } from "../core/build-info.ts";
import type { Contents } from "./contents.ts";
import type { SealedPackage } from "./packages.ts";

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
