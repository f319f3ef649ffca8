import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadOverlay, loadSource } from "./config/load-source.ts";
import type { ReadOptions } from "./config/read-plan.ts";
import { readPlan } from "./config/read-plan.ts";
import type { Plan } from "./core/plan.ts";

/** What a unit is made of. */
export interface UnitSource {
  readonly plan: Plan;
  /** What the file calls `${credential:NAME}`, in its order. */
  readonly credentials: readonly string[];
}

/**
 * Reads a plan as it will be under systemd: credentials are there, whatever they hold, and what is kept lies in the
 * unit's own folder.
 *
 * @throws ProblemsError with everything that is wrong in the file
 */
export async function readUnitSource(options: ReadOptions): Promise<UnitSource> {
  const texts = [
    loadSource(options.file),
    ...(options.env === undefined ? [] : [loadOverlay(options.file, options.env)]),
  ].map((loaded) => ("source" in loaded ? loaded.source.text : ""));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/\$\{credential:([\w.@-]+)\}/g)].map(([, name]) => name),
  );
  const credentials = [...new Set(names as string[])];
  const folder = mkdtempSync(join(tmpdir(), "supervisor-credentials-"));
  try {
    for (const name of credentials) writeFileSync(join(folder, name), `credential ${name}`, { mode: 0o600 });
    const variables = { STATE_DIRECTORY: "/var/lib", ...options.variables, CREDENTIALS_DIRECTORY: folder };
    return { plan: (await readPlan({ ...options, variables })).plan, credentials };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
