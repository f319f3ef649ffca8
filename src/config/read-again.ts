import type { ServicePlan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import { checkServices } from "./checks.ts";
import type { Draft } from "./draft.ts";
import { readDrafts } from "./draft.ts";
import { readEverydayYaml } from "./everyday-yaml.ts";
import { fillFields } from "./fill.ts";
import type { Report } from "./findings.ts";
import { selectDrafts } from "./graph.ts";
import { isSame, keepParts } from "./keep-unchanged.ts";
import type { Kept, KeptIndex } from "./kept.ts";
import { variablesFor } from "./kept.ts";
import type { Loaded } from "./load-source.ts";
import { loadOverlay, loadSource } from "./load-source.ts";
import { createLocate } from "./locate.ts";
import { mergeMaps } from "./merge.ts";
import type { Entry, MapNode, Source } from "./node.ts";
import { entryOf } from "./node.ts";
import { makePlan, makeService } from "./plan-parts.ts";
import { readFields } from "./read-field.ts";
import type { PlanSource, ReadOptions } from "./read-plan.ts";
import { checkTogether, gatherSecrets, readPlan, relevantProblems } from "./read-plan.ts";
import type { Reading } from "./reading.ts";
import type { HeadSettings, ServiceSettings } from "./schema.ts";
import { headFields } from "./schema.ts";
import type { ServiceBlocks } from "./service-blocks.ts";
import { splitServices } from "./service-blocks.ts";

/**
 * As `readPlan` with the same options that made `last`, for the price of what has changed since: a service whose lines are
 * the same keeps its part of the plan, the very object, and the files that it names are not looked at again. Whatever
 * is not certain, and whatever is wrong, is read as a whole.
 */
export async function readPlanAgain(options: ReadOptions, last: PlanSource): Promise<PlanSource> {
  return (last.kept && readChanged(options, last.kept)) ?? readPlan(options);
}

/** Undefined unless it is certain that a reading of the whole would find the same, and no problem. */
export function readChanged(options: ReadOptions, kept: Kept): PlanSource | undefined {
  try {
    return readCertain(options, kept);
  } catch (error) {
    if (error === unsure) return undefined;
    throw error;
  }
}

const unsure = Symbol("unsure");

const doubt: Report = () => {
  throw unsure;
};

function assertSure(condition: boolean): asserts condition {
  if (!condition) throw unsure;
}

function readCertain(options: ReadOptions, kept: Kept): PlanSource {
  const { source, overlay, variables } = readTexts(options, kept);
  const before = kept.index?.split ?? splitServices(kept.source.text);
  const split = splitServices(source.text, before);
  assertSure(before !== undefined && split !== undefined);
  const sorted = sort(kept, before, split);
  const root = readRest(source, split, overlay, sorted);

  const secrets = new Set<string>();
  const reading: Reading = { variables: options.variables, secrets, report: doubt };
  const headWritten = readFields(root, headFields, reading, "", undefined, ["services"]);
  const { defaults } = headWritten;
  assertSure(isSame(kept.defaults, defaults));
  const head = fillFields(headFields, [headWritten]);
  // What every service with a queue or a schedule is read by.
  assertSure(isSame(kept.head.brokers, head.brokers));
  assertSure(meansSame(head, kept.head));
  const headSecrets = [...secrets];

  const written = entryOf(root, "services")?.value;
  const fresh = written?.tag === "map" ? readDrafts(written, defaults, reading) : [];
  // Brokers and cron expressions are for the reading of the whole.
  assertSure(fresh.every(({ settings }) => !settings.consume && !settings.schedule));
  const rest: Rest = { root, head, fresh, headSecrets };
  const found =
    replaceInPlace(kept, split, rest) ??
    putTogether(options.only ?? [], kept, rest, {
      ...sorted,
      split,
      names: [...split.blocks.keys(), ...namesIn(overlay)],
    });
  const { drafts, services, index } = found;
  const plan = makePlan(source.file, head, services, index.secrets, options.variables);
  return {
    plan,
    locate: locateIn(source, overlay),
    kept: { source, overlay, defaults, variables, drafts, services, head, index },
  };
}

/** Whether whatever of the head a service may look at, for what it says itself, is as it was. */
function meansSame(head: HeadSettings, before: HeadSettings): boolean {
  const keys = Object.keys(head) as (keyof HeadSettings)[];
  return keys.every((key) => noServicesMatter.has(key) || isSame(head[key], before[key]));
}

const noServicesMatter: ReadonlySet<keyof HeadSettings> = new Set([
  "name",
  "admin",
  "log",
  "shutdown",
  "on_unattributed",
  "defaults",
] as const);

/** All that was read: the whole file without the services that are known. */
interface Rest {
  readonly root: MapNode;
  readonly head: HeadSettings;
  readonly fresh: readonly Draft[];
  readonly headSecrets: readonly string[];
}

type Found = Required<Pick<Kept, "drafts" | "services" | "index">>;

/** The common case, which costs what has changed: nothing that is new concerns any other service. */
function replaceInPlace(kept: Kept, split: ServiceBlocks, rest: Rest): Found | undefined {
  const { index } = kept;
  if (!index || !split.changed || concernsOthers(rest, kept, index)) return undefined;
  const drafts = kept.drafts.slice();
  const services = kept.services.slice();
  const checked: Draft[] = [];
  for (const draft of rest.fresh) {
    drafts[index.drafts.get(draft.name) as number] = withoutPlace(draft);
    const at = index.services.get(draft.name);
    if (at === undefined) continue;
    services[at] = keepParts(kept.services[at] as ServicePlan, makeService(draft, rest.head));
    checked.push(draft);
  }
  checkServices(checked, rest.root, doubt);
  return { drafts, services, index: { ...index, split } };
}

/** Whether anything is new that a check of the whole, or of services among each other, looks at. */
function concernsOthers({ head, headSecrets, fresh }: Rest, kept: Kept, index: KeptIndex): boolean {
  if (!isSame(head, kept.head) || !isSame(headSecrets, index.headSecrets)) return true;
  return fresh.some((draft) => {
    const was = kept.drafts[index.drafts.get(draft.name) ?? -1];
    if (!was || draft.problems.length + was.problems.length > 0) return true;
    if (!isSame([...draft.secrets], [...was.secrets])) return true;
    const keys = Object.keys(draft.settings) as (keyof ServiceSettings)[];
    return keys.some((key) => !ownMatters.has(key) && !isSame(draft.settings[key], was.settings[key]));
  });
}

/** Not `env`: a value of it may be a secret, and all of those are in one list. */
const ownMatters: ReadonlySet<keyof ServiceSettings> = new Set([
  "module",
  "export",
  "config",
  "critical",
  "start_timeout",
  "restart",
  "health",
  "replace",
  "isolation",
  "instances",
  "memory",
] as const);

interface Together extends Sorted {
  readonly split: ServiceBlocks;
  /** All in order; some may be no services after all: an overlay can remove one. */
  readonly names: readonly string[];
}

/** Costs what there is, but little: nothing that is known is read. */
function putTogether(
  only: readonly string[],
  kept: Kept,
  { root, head, fresh, headSecrets }: Rest,
  { split, isKnown, names }: Together,
): Found {
  const all = new Map(kept.drafts.filter(({ name }) => isKnown(name)).map((draft) => [draft.name, draft]));
  for (const draft of fresh) all.set(draft.name, draft);
  const drafts = [...new Set(names)].flatMap((name) => all.get(name) ?? []);
  const selected = selectDrafts(drafts, only, doubt);
  const runs = new Set(selected);
  for (const draft of fresh) assertSure(relevantProblems(draft, runs).length === 0);
  const before = new Map(kept.services.map((service) => [service.name, service]));
  // One that did not run before has never been checked.
  assertSure(selected.every(({ name }) => !isKnown(name) || before.has(name)));
  const freshOnes = fresh.filter((draft) => runs.has(draft));
  checkServices(freshOnes, root, doubt);
  checkTogether(drafts, selected, head, root, doubt);
  const secrets = new Set(headSecrets);
  gatherSecrets(drafts, selected, head, secrets);
  const services = selected.map((draft) => {
    const was = before.get(draft.name);
    if (was && isKnown(draft.name)) return was;
    const made = makeService(draft, head);
    return was ? keepParts(was, made) : made;
  });
  return {
    drafts: drafts.map(withoutPlace),
    services,
    index: {
      split,
      drafts: new Map(drafts.map(({ name }, place) => [name, place])),
      services: new Map(services.map(({ name }, place) => [name, place])),
      restless: drafts.filter((draft) => isRestless(draft, split)).map(({ name }) => name),
      headSecrets,
      secrets: [...secrets],
    },
  };
}

/** What the files say now, and what the variables are, where only services.yaml has changed. */
function readTexts(
  { file, env, variables }: ReadOptions,
  kept: Kept,
): Pick<Kept, "source" | "overlay" | "variables"> {
  const source = textOf(loadSource(file));
  const { overlay } = kept;
  assertSure(source.file === kept.source.file);
  const overlayText = env === undefined ? "" : textOf(loadOverlay(file, env)).text;
  assertSure(overlayText === (overlay?.source.text ?? "") && !readsCredential(overlayText));
  const now = variablesFor([source.text, overlayText], variables);
  assertSure(!now || !kept.variables || isSame(kept.variables, now));
  return { source, overlay, variables: now };
}

function textOf(loaded: Loaded): Source {
  assertSure("source" in loaded);
  return loaded.source;
}

/** A file that may say something else by now. */
function readsCredential(text: string): boolean {
  return text.includes("{credential:");
}

interface Sorted {
  /** Whether a service is written as it was, and means the same. */
  readonly isKnown: (name: string) => boolean;
  /** The others that services.yaml has, in its order. */
  readonly unknown: readonly string[];
}

function sort({ drafts, index }: Kept, before: ServiceBlocks, split: ServiceBlocks): Sorted {
  if (index?.restless.length === 0 && split.changed) {
    const changed = new Set(split.changed);
    return { isKnown: (name) => !changed.has(name), unknown: split.changed };
  }
  const isSame = (draft: Draft) => before.blocks.get(draft.name) === split.blocks.get(draft.name);
  const found = drafts.filter((draft) => isSame(draft) && !isRestless(draft, split));
  const known = new Set(found.map(({ name }) => name));
  const isKnown = (name: string) => known.has(name);
  return { isKnown, unknown: [...split.blocks.keys()].filter((name) => !isKnown(name)) };
}

function isRestless({ name, problems }: Draft, { blocks }: ServiceBlocks): boolean {
  return problems.length > 0 || readsCredential(blocks.get(name) ?? "");
}

/** The whole file without the services that are known. */
function readRest(
  { file }: Source,
  { before, blocks, after }: ServiceBlocks,
  overlay: MapNode | undefined,
  { isKnown, unknown }: Sorted,
): MapNode {
  const text = before + unknown.map((name) => blocks.get(name)).join("") + after;
  const root = readEverydayYaml({ file, text });
  assertSure(root !== undefined);
  const services = entryOf(root, "services")?.value;
  const found = services?.tag === "map" ? services.entries : [];
  assertSure(found.length === unknown.length && found.every(({ name }, index) => name === unknown[index]));
  return overlay ? mergeMaps(root, withoutServices(overlay, isKnown)) : root;
}

function withoutServices(overlay: MapNode, isKnown: (name: string) => boolean): MapNode {
  const entries = overlay.entries.map((entry): Entry => {
    if (entry.name !== "services") return entry;
    const { value } = entry;
    assertSure(value.tag === "map");
    return { ...entry, value: { ...value, entries: value.entries.filter(({ name }) => !isKnown(name)) } };
  });
  return { ...overlay, entries };
}

function namesIn(overlay: MapNode | undefined): string[] {
  const services = overlay && entryOf(overlay, "services")?.value;
  return services?.tag === "map" ? services.entries.map(({ name }) => name) : [];
}

/** Reads the whole when the first place is asked for, which is when something turns out to be wrong later. */
function locateIn(source: Source, overlay: MapNode | undefined): Locate {
  let locate: Locate | undefined;
  return (path) => {
    locate ??= locateNow(source, overlay);
    return locate(path);
  };
}

function locateNow(source: Source, overlay: MapNode | undefined): Locate {
  const root = readEverydayYaml(source);
  if (!root) return () => undefined;
  return createLocate(overlay ? mergeMaps(root, overlay) : root);
}

const nowhere = { source: { file: "", text: "" }, start: 0, end: 0 };
const noEntry: Entry = { ...nowhere, name: "", value: { ...nowhere, tag: "scalar", text: "", plain: true } };

/** Whoever keeps a place keeps all of the text that it is in. */
function withoutPlace(draft: Draft): Draft {
  return draft.entry === noEntry ? draft : { ...draft, entry: noEntry };
}
