import type { Problem } from "../core/problem.ts";
import { complainMissing } from "./complaints.ts";
import { fillFields } from "./fill.ts";
import type { Report } from "./findings.ts";
import { reportTo } from "./findings.ts";
import { newLacks } from "./lacks.ts";
import type { Entry, MapNode } from "./node.ts";
import { entryOf, removalOf } from "./node.ts";
import { readFields } from "./read-field.ts";
import type { Reading } from "./reading.ts";
import type { ServiceSettings, WrittenService } from "./schema.ts";
import { serviceFields, serviceNames } from "./schema.ts";
import type { Lacks } from "./variables.ts";

/** A service on its way into the plan. */
export interface Draft {
  readonly name: string;
  readonly entry: Entry;
  /** What it says itself; keys that were wrong are absent. */
  readonly written: WrittenService;
  /** With `defaults:` and defaults. Only where `problems` is empty is it wholly what its type says. */
  readonly settings: ServiceSettings;
  readonly problems: readonly Problem[];
  /** What must never be printed, of what its variables and its config hold. */
  readonly secrets: ReadonlySet<string>;
  /** What it needs and is not here; only where that was asked for. */
  readonly lacks?: Lacks;
}

/** Reads every service of `services:`, in the order of the file. */
export function readDrafts(services: MapNode, defaults: Layer | undefined, reading: Reading): Draft[] {
  return services.entries.map((entry) => readDraft(entry, defaults, reading));
}

function readDraft(entry: Entry, defaults: Layer | undefined, base: Reading): Draft {
  const { name } = entry;
  const problems: Problem[] = [];
  const secrets = new Set<string>();
  const lacks = base.lacks && newLacks(base.lacks.variables !== undefined);
  const reading: Reading = {
    variables: base.variables,
    secrets,
    report: reportTo(problems),
    ...(lacks ? { lacks } : {}),
  };
  reportName(name, entry, reading.report);
  const written = readService(entry, reading);
  const settings = fillFields(serviceFields, layers(written, defaults));
  return { name, entry, written, settings, problems, secrets, ...(lacks ? { lacks } : {}) };
}

function readService(entry: Entry, reading: Reading): WrittenService {
  const { name, value } = entry;
  if (value.tag === "map") {
    const written = readFields(value, serviceFields, reading, "", entry) as WrittenService;
    if (!entryOf(value, "module") && !enqueuesOnly(value)) {
      complainMissing("module", serviceFields.module, removalOf(value, "module") ?? entry, reading);
    }
    return written;
  }
  reading.report(
    "WRONG_TYPE",
    entry,
    `Service "${name}" must be a mapping`,
    `For example: "${name}: { module: ./services/${name}.ts }".`,
  );
  return {};
}

/** A schedule that enqueues runs no code, so it needs none; requests and messages need somebody who takes them. */
function enqueuesOnly(service: MapNode): boolean {
  if (entryOf(service, "http") || entryOf(service, "consume")) return false;
  const schedule = entryOf(service, "schedule")?.value;
  return schedule?.tag === "map" && entryOf(schedule, "enqueue") !== undefined;
}

/** Reports a name that is none for a service. */
export function reportName(name: string, entry: Entry | undefined, report: Report): void {
  if (!serviceNames.pattern.test(name)) {
    report("BAD_VALUE", entry, `"${name}" cannot be the name of a service`, `Use ${serviceNames.rule}.`);
  } else if (name.startsWith("x-")) {
    // It could be meant as a service or as a template; a service that silently does not run is worse than an error.
    report(
      "BAD_VALUE",
      entry,
      `Service "${name}" begins with x-, which marks what is to be ignored`,
      'Rename it; a template belongs at the top level, beside "services:".',
    );
  }
}

type Layer = Readonly<Record<string, unknown>>;

/** `defaults.http` is for services that have http, and makes none of the others one. */
function layers(written: WrittenService, defaults: Layer | undefined): Layer[] {
  if (defaults === undefined) return [written];
  return written.http === undefined ? [written, { ...defaults, http: undefined }] : [written, defaults];
}
