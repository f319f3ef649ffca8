import { readFileSync } from "node:fs";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { overlayFile, overlaysOf } from "../config/load-source.ts";
import { readName } from "../config/read-name.ts";
import type { NamedModule } from "../config/read-plan.ts";
import { readModules } from "../config/read-plan.ts";
import type { Position, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";

/** What of a folder goes into a sealed executable. */
export interface Contents {
  /** The folder of the services.yaml; absolute. */
  readonly folder: string;
  /** The name of the services.yaml. */
  readonly file: string;
  /** What it and its overlays say, by name. */
  readonly texts: Readonly<Record<string, string>>;
  /** The supervisor's `name:`, when it does not depend on a variable; undefined: that of the executable. */
  readonly name: string | undefined;
  /** Every service of the file and its overlays with its module's path from the folder; sorted. */
  readonly services: readonly { readonly name: string; readonly module: string }[];
  /** What of which module each service is; as often as the file and its overlays say so. */
  readonly exports: readonly NamedExport[];
}

export interface NamedExport {
  readonly service: string;
  /** From the folder. */
  readonly module: string;
  /** Undefined when it depends on a variable. */
  readonly name: string | undefined;
  readonly position: Position;
}

/**
 * Reads a services.yaml and all overlays beside it, as another machine would: without any variable.
 *
 * @throws ProblemsError with what is wrong in any of them.
 */
export async function readContents(file: string): Promise<Contents> {
  const path = resolve(file);
  const overlays = overlaysOf(path);
  const named = [
    await readModules(path),
    ...(await Promise.all(overlays.map((env) => readModules(path, env)))),
  ].flat();
  const unknown = named.filter(({ module }) => module === undefined);
  if (unknown.length > 0) throw new ProblemsError(unknown.map(dependsOnVariable));
  const folder = dirname(path);
  const files = [path, ...overlays.map((env) => overlayFile(path, env))].sort();
  return {
    folder,
    file: basename(path),
    texts: Object.fromEntries(files.map((each) => [basename(each), readFileSync(each, "utf8")])),
    name: /^name:/m.test(readFileSync(path, "utf8")) ? await readName(path, {}) : undefined,
    services: servicesOf(named, folder),
    exports: named.map(({ service, module, export: { name, position } }) => ({
      service,
      module: pathFrom(folder, module as string),
      name,
      position,
    })),
  };
}

function dependsOnVariable({ service, position }: NamedModule): Problem {
  return {
    code: "CANNOT_SEAL",
    message: `Which module service "${service}" has depends on a variable that has no default`,
    hint: "What is inside is decided now: name the file, or give a default; overlays may name others.",
    position,
  };
}

/** An overlay may give a service another module: then it is there twice. */
function servicesOf(named: readonly NamedModule[], folder: string): Contents["services"] {
  const services = named.map(({ service, module }) => ({
    name: service,
    module: pathFrom(folder, module as string),
  }));
  const byKey = new Map(services.map((each) => [`${each.name} ${each.module}`, each]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key) as (typeof services)[number]);
}

function pathFrom(folder: string, file: string): string {
  return relative(folder, file).split(sep).join("/");
}
