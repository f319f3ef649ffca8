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
import type { Kept } from "./kept.ts";
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
import type { HeadSettings } from "./schema.ts";
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
  const before = kept.split ?? splitServices(kept.source.text);
  const split = splitServices(source.text, before);
  assertSure(before !== undefined && split !== undefined);
  const known = reusable(kept.drafts, before, split);
  const root = readRest(source, split, overlay, known);

  const secrets = new Set<string>();
  const reading: Reading = { variables: options.variables, secrets, report: doubt };
  const headWritten = readFields(root, headFields, reading, "", undefined, ["services"]);
  const { defaults } = headWritten;
  assertSure(isSame(kept.defaults, defaults));
  const head = fillFields(headFields, [headWritten]);

  const written = entryOf(root, "services")?.value;
  const fresh = written?.tag === "map" ? readDrafts(written, defaults, reading) : [];
  const drafts = split.sameNames
    ? inPlace(kept.drafts, known, fresh)
    : inOrder(known, fresh, [...split.blocks.keys(), ...namesIn(overlay)]);
  const selected = select(drafts, options.only ?? [], new Set(fresh), kept);
  const runs = new Set(selected);
  for (const draft of fresh) assertSure(relevantProblems(draft, runs).length === 0);
  checkServices(
    fresh.filter((draft) => runs.has(draft)),
    root,
    doubt,
  );
  if (!split.sameNames || concernsOthers(head, fresh, kept)) {
    checkTogether(drafts, selected, head, root, doubt);
  }
  gatherSecrets(drafts, selected, head, secrets);
  const plan = makePlan(source.file, head, servicesOf(selected, known, kept), secrets);
  const { services } = plan;
  return {
    plan,
    locate: locateIn(source, overlay),
    kept: { source, overlay, defaults, variables, drafts: drafts.map(withoutPlace), services, head, split },
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

/** The services that are written as they were, by name. */
function reusable(
  drafts: readonly Draft[],
  before: ServiceBlocks,
  next: ServiceBlocks,
): ReadonlyMap<string, Draft> {
  const found = new Map<string, Draft>();
  for (const draft of drafts) {
    const { name } = draft;
    const text = next.blocks.get(name);
    const isSame = before.blocks.get(name) === text && draft.problems.length === 0;
    if (isSame && !(text && readsCredential(text))) found.set(name, draft);
  }
  return found;
}

/** The whole file without the services that are `known`. */
function readRest(
  { file }: Source,
  { before, blocks, after }: ServiceBlocks,
  overlay: MapNode | undefined,
  known: ReadonlyMap<string, Draft>,
): MapNode {
  const rest = [...blocks].filter(([name]) => !known.has(name));
  const text = before + rest.map(([, lines]) => lines).join("") + after;
  const root = readEverydayYaml({ file, text });
  assertSure(root !== undefined);
  const services = entryOf(root, "services")?.value;
  const found = services?.tag === "map" ? services.entries : [];
  assertSure(found.length === rest.length && found.every(({ name }, index) => name === rest[index]?.[0]));
  return overlay ? mergeMaps(root, withoutServices(overlay, known)) : root;
}

function withoutServices(overlay: MapNode, known: ReadonlyMap<string, Draft>): MapNode {
  const entries = overlay.entries.map((entry): Entry => {
    if (entry.name !== "services") return entry;
    const { value } = entry;
    assertSure(value.tag === "map");
    return { ...entry, value: { ...value, entries: value.entries.filter(({ name }) => !known.has(name)) } };
  });
  return { ...overlay, entries };
}

function namesIn(overlay: MapNode | undefined): string[] {
  const services = overlay && entryOf(overlay, "services")?.value;
  return services?.tag === "map" ? services.entries.map(({ name }) => name) : [];
}

/** In the order of `names`, some of which may be no services after all: an overlay can remove one. */
function inOrder(
  known: ReadonlyMap<string, Draft>,
  fresh: readonly Draft[],
  names: readonly string[],
): Draft[] {
  const all = new Map([...known, ...fresh.map((draft) => [draft.name, draft] as const)]);
  return [...new Set(names)].flatMap((name) => all.get(name) ?? []);
}

/** Where there are the same services in the same order. */
function inPlace(
  drafts: readonly Draft[],
  known: ReadonlyMap<string, Draft>,
  fresh: readonly Draft[],
): Draft[] {
  assertSure(known.size + fresh.length === drafts.length);
  const found = new Map(fresh.map((draft) => [draft.name, draft]));
  return drafts.map((draft) => found.get(draft.name) ?? draft);
}

/** Those that run. None of them may be one that nobody has checked because it did not run before. */
function select(
  drafts: readonly Draft[],
  only: readonly string[],
  fresh: ReadonlySet<Draft>,
  { services }: Kept,
): readonly Draft[] {
  const selected = selectDrafts(drafts, only, doubt);
  const checked = new Set(services.map(({ name }) => name));
  for (const draft of selected) assertSure(fresh.has(draft) || checked.has(draft.name));
  return selected;
}

/** Whether anything is new that a check of the whole, or of services among each other, looks at. */
function concernsOthers(head: HeadSettings, fresh: readonly Draft[], kept: Kept): boolean {
  if (!isSame(head.admin, kept.head.admin) || !isSame(head.shutdown, kept.head.shutdown)) return true;
  const names = new Set(fresh.map(({ name }) => name));
  const before = new Map(
    kept.drafts.filter(({ name }) => names.has(name)).map((draft) => [draft.name, draft]),
  );
  return fresh.some(({ name, settings }) => {
    const was = before.get(name)?.settings;
    return !was || shared.some((key) => !isSame(settings[key], was[key]));
  });
}

const shared = ["enabled", "depends_on", "http", "stop_timeout"] as const;

function servicesOf(
  selected: readonly Draft[],
  known: ReadonlyMap<string, Draft>,
  { services }: Kept,
): ServicePlan[] {
  const before = new Map(services.map((service) => [service.name, service]));
  return selected.map((draft) => {
    const was = before.get(draft.name);
    if (was && known.has(draft.name)) return was;
    const made = makeService(draft);
    return was ? keepParts(was, made) : made;
  });
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
