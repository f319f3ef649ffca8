import { join } from "node:path";
import type { BuildInfo } from "../core/build-info.ts";
import { buildInfo } from "../core/build-info.ts";
import { importBundler } from "../runtime/find-bundler.ts";
import type { SealedPackage } from "./packages.ts";
import { packagesOf } from "./packages.ts";

/** The supervisor's own code as files that can be bundled with services. */
export interface Kit {
  /** The text of each by its name. */
  readonly files: Readonly<Record<string, string>>;
  /** What it is made of beside its own source. */
  readonly packages: readonly SealedPackage[];
}

// build.ts puts the kit here, as JSON; when the source runs as it is, it is made of that source.
declare const SUPERVISOR_KIT: string | undefined;

/** @throws SupervisorError UNSUPPORTED where no kit can be made. */
export async function readKit(): Promise<Kit> {
  if (typeof SUPERVISOR_KIT === "string") return JSON.parse(SUPERVISOR_KIT) as Kit;
  return makeKit(join(import.meta.dirname, ".."), await buildInfo());
}

/** Bundles the source in the folder `source`. */
export async function makeKit(source: string, { version, commit }: BuildInfo): Promise<Kit> {
  const { bundle } = await importBundler();
  const { files, inputs } = await bundle({
    entries: entries.map((entry) => join(source, `${entry}.ts`)),
    root: source,
    define: { SUPERVISOR_VERSION: JSON.stringify(version), SUPERVISOR_COMMIT: JSON.stringify(commit) },
  });
  return { files, packages: packagesOf(source, inputs) };
}

/** What generated files import of it. */
const entries = ["main", "operator", "worker", "mod", "core/sealed"];
