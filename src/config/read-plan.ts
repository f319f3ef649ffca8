import type { ErrorCode } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { Locate, Position, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import { checkBudget } from "./budget.ts";
import type { ReadCron } from "./check-queues.ts";
import { checkAddresses, checkServices, checkShutdown } from "./checks.ts";
import type { Draft } from "./draft.ts";
import { readDrafts } from "./draft.ts";
import { fillFields } from "./fill.ts";
import type { Report } from "./findings.ts";
import { inOrder, reportTo } from "./findings.ts";
import { checkDependencies, selectDrafts } from "./graph.ts";
import type { Kept } from "./kept.ts";
import { variablesFor } from "./kept.ts";
import type { Lacking } from "./lacks.ts";
import { joinLacks, newLacks } from "./lacks.ts";
import type { Loaded } from "./load-source.ts";
import { loadOverlay, loadSource } from "./load-source.ts";
import { createLocate, exactSpan } from "./locate.ts";
import { mergeMaps } from "./merge.ts";
import type { MapNode, Node } from "./node.ts";
import { entryOf, positionOf, removalOf, spanOf } from "./node.ts";
import { makePlan, makeService } from "./plan-parts.ts";
import { readField, readFields } from "./read-field.ts";
import { isNothing } from "./read-scalar.ts";
import type { Reading } from "./reading.ts";
import type { HeadSettings } from "./schema.ts";
import { headFields, servicesField } from "./schema.ts";
import { addSecret, addUrlPasswords, looksSecret } from "./secrets.ts";
import { readYaml } from "./yaml.ts";

export interface ReadOptions {
  /** The services.yaml, as typed: relative to the working directory, or absolute. */
  readonly file: string;
  /** The overlay: `prod` merges services.prod.yaml over the file. */
  readonly env?: string;
  /** Names of services to select, with what they depend on. Empty or absent: all. */
  readonly only?: readonly string[];
  /** What `${NAME}` stands for; usually `process.env`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** It will run on another machine: of the files that it names only the modules must be here. */
  readonly elsewhere?: boolean;
  /**
   * What may be absent, because it is there only where it runs: `${credential:NAME}` while no folder of credentials is
   * given, or any variable as well. What is written with it is then as if it were not written; in a `config:`, `unread`.
   * `name:` is needed in any case, and `brokers:` by whom goes straight to them ("exceptBrokers").
   */
  readonly lenient?: "credentials" | "exceptBrokers" | "all";
  /** Loads what looks at cron expressions, when there is one; absent: nobody does. */
  readonly cron?: () => Promise<{ readonly parseCron: ReadCron }>;
}

export interface PlanSource {
  /** Deeply frozen. */
  readonly plan: Plan;
  /** For problems that are found later; keeps the files' text in memory as long as it is kept. */
  readonly locate: Locate;
  /** With `lenient`: what the selected services and the rest of the file need, and is not here. */
  readonly lacking?: Lacking;
  /** For `readPlanAgain`; absent when nothing may be kept. */
  readonly kept?: Kept;
}

/**
 * Reads a services.yaml, and its overlay, into a plan. Starts nothing and writes nothing.
 *
 * @throws ProblemsError with everything that is wrong, in reading order. What depends on this machine (unset variables,
 * absent files) counts only for services that are selected.
 */
export async function readPlan(options: ReadOptions): Promise<PlanSource> {
  const { problems, planOf, selected, keep } = await readDraft(options);
  if (problems.length > 0) throw new ProblemsError(problems);
  const read = planOf(selected);
  return { ...read, ...keep(read.plan) };
}

export interface LoadableSource extends PlanSource {
  /** What is wrong with the file, in reading order. The plan is whole only when there is nothing. */
  readonly problems: readonly Problem[];
}

/**
 * As `readPlan`, but for looking further although something is wrong: the plan has the services whose modules can
 * be loaded all the same.
 *
 * @throws ProblemsError when the file cannot be read as YAML.
 */
export async function readLoadable(options: ReadOptions): Promise<LoadableSource> {
  const { problems, planOf, selected, isLoadable } = await readDraft(options);
  return { problems, ...planOf(problems.length === 0 ? selected : selected.filter(isLoadable)) };
}

export interface NamedModule {
  readonly service: string;
  /** The absolute path; undefined when it depends on a variable without a default. */
  readonly module: string | undefined;
  readonly position: Position;
  /** What of it is the service, and where that is written; no name when it depends on a variable without a default. */
  readonly export: { readonly name: string | undefined; readonly position: Position };
}

/**
 * The modules that a file names, also of services that are disabled: what is needed to run it on another machine, with
 * other variables.
 *
 * @throws ProblemsError with everything that is wrong and not for that machine to decide.
 */
export async function readModules(file: string, env?: string): Promise<NamedModule[]> {
  const options = { file, variables: {}, elsewhere: true, ...(env === undefined ? {} : { env }) };
  const { problems, drafts, root } = await readDraft(options);
  const wrong = problems.filter(({ code }) => code !== "UNSET_VARIABLE");
  if (wrong.length > 0) throw new ProblemsError(wrong);
  return drafts.flatMap(({ name, settings, written }) => {
    const at = exactSpan(root, ["services", name, "module"]);
    if (!at) return [];
    const named = exactSpan(root, ["services", name, "export"]);
    const exported = {
      name: named && written.export === undefined ? undefined : settings.export,
      position: positionOf(named ?? at),
    };
    return [{ service: name, module: settings.module, position: positionOf(at), export: exported }];
  });
}

interface PlanDraft {
  readonly problems: readonly Problem[];
  readonly drafts: readonly Draft[];
  readonly root: MapNode;
  readonly selected: readonly Draft[];
  readonly planOf: (drafts: readonly Draft[]) => PlanSource;
  /** What the next reading may keep once `plan`, of what is selected, is made of this one. */
  readonly keep: (plan: Plan) => Pick<PlanSource, "kept">;
  /** Whether what its module is loaded and judged by is as written. */
  readonly isLoadable: (draft: Draft) => boolean;
}

async function readDraft(options: ReadOptions): Promise<PlanDraft> {
  const { root, base, overlay, problems } = await readTree(options);
  const report = reportTo(problems);
  const secrets = new Set<string>();
  const { lenient } = options;
  const lacks = lenient && newLacks(lenient === "all");
  const strict: Reading = { variables: options.variables, secrets, report };
  const reading: Reading = { ...strict, ...(lacks ? { lacks } : {}) };

  const headWritten = readFields(root, headFields, reading, "", undefined, ["services"]);
  if (lenient) insistOn(root, lenient === "exceptBrokers" ? ["name", "brokers"] : ["name"], reading, strict);
  const head = fillFields(headFields, [headWritten]);
  const drafts = readServices(root, headWritten.defaults, reading);
  const selected = selectDrafts(drafts, options.only ?? [], report);
  const runs = new Set(selected);
  for (const draft of drafts) problems.push(...relevantProblems(draft, runs));
  checkServices(options.elsewhere ? drafts : selected, root, report, options.elsewhere);
  await checkBrokered(selected, head, root, options, report);
  checkTogether(drafts, selected, head, root, report);
  return {
    problems: inOrder(problems),
    drafts,
    root,
    selected,
    planOf(services) {
      gatherSecrets(drafts, services, head, secrets);
      const plan = makePlan(
        root.source.file,
        head,
        services.map((draft) => makeService(draft, head)),
        secrets,
        options.variables,
      );
      const lacking = lacks && joinLacks([lacks, ...selected.map((draft) => draft.lacks)]);
      return { plan, locate: createLocate(root), ...(lacking ? { lacking } : {}) };
    },
    keep(plan) {
      if (!base.everyday) return {};
      const { defaults } = headWritten;
      const { source } = root;
      const texts = [source.text, overlay?.source.text ?? ""];
      const variables = variablesFor(texts, options.variables);
      return { kept: { source, overlay, defaults, variables, drafts, services: plan.services, head } };
    },
    isLoadable: (draft) => isLoadable(draft, root),
  };
}

/** Units, folders and the control socket are called by it: nobody can go on without. */
function insistOn(
  root: MapNode,
  names: readonly (keyof typeof headFields)[],
  { lacks }: Reading,
  strict: Reading,
): void {
  for (const name of names) {
    const entry = entryOf(root, name);
    if (!entry) continue;
    const place = { node: entry.value, key: entry, name };
    const missed = newLacks(lacks?.variables !== undefined);
    readField(headFields[name], place, { ...strict, report() {}, lacks: missed });
    const { credentials, variables } = joinLacks([missed]);
    if (credentials.length + variables.length > 0) readField(headFields[name], place, strict);
  }
}

/** Most files have no queues: they pay nothing for what looks at them. */
async function checkBrokered(
  selected: readonly Draft[],
  head: HeadSettings,
  root: MapNode,
  { cron }: ReadOptions,
  report: Report,
): Promise<void> {
  const drafts = selected.filter(({ settings }) => settings.consume || settings.schedule);
  if (drafts.length === 0 && Object.keys(head.brokers).length === 0) return;
  const [{ checkBrokers, checkQueues }, loaded] = await Promise.all([
    import("./check-queues.ts"),
    drafts.some(({ settings }) => settings.schedule) ? cron?.() : undefined,
  ]);
  checkBrokers(head, root, report);
  checkQueues(drafts, head, root, loaded?.parseCron, report);
}

/** A value that was wrong is absent or has holes: loaded with it, a module would be blamed for what the file says. */
function isLoadable({ name, written, settings, problems }: Draft, root: MapNode): boolean {
  if (settings.module === undefined) return false;
  const find = (key: string) => exactSpan(root, ["services", name, key]);
  if (written.export === undefined && find("export")) return false;
  return !find("config") || problems.every(({ code }) => outsideOfConfig.has(code));
}

/** Problems that no value within a `config:` can have: anything may stand there but a wrong variable. */
const outsideOfConfig: ReadonlySet<ErrorCode> = new Set(["UNKNOWN_KEY", "WRONG_TYPE", "MISSING_KEY"]);

interface ReadTree {
  readonly root: MapNode;
  readonly base: ReadSource;
  readonly overlay: MapNode | undefined;
  /** What is wrong although it can be looked at. */
  readonly problems: Problem[];
}

async function readTree({ file, env }: ReadOptions): Promise<ReadTree> {
  const [base, overlay] = await Promise.all([
    readSource(loadSource(file)),
    env === undefined ? undefined : readSource(loadOverlay(file, env)),
  ]);
  const problems = [...base.problems, ...(overlay?.problems ?? [])];
  if (base.problems.length === 0 && base.map === undefined) problems.push(emptyFile(file));
  const isUnclear = [base, overlay].some((each) => each && !each.map && each.problems.length > 0);
  if (isUnclear || !base.map) throw new ProblemsError(inOrder(problems));
  const root = overlay?.map ? mergeMaps(base.map, overlay.map) : base.map;
  return { root, base, overlay: overlay?.map, problems };
}

interface ReadSource {
  /** Absent when the file says nothing. */
  readonly map?: MapNode;
  readonly problems: readonly Problem[];
  readonly everyday?: true;
}

async function readSource(loaded: Loaded): Promise<ReadSource> {
  if ("problem" in loaded) return { problems: [loaded.problem] };
  const { root, problems, everyday } = await readYaml(loaded.source);
  if (!root) return { problems };
  if (root.tag !== "map") return { problems: [notAMapping(root)] };
  return { map: root, problems, ...(everyday ? { everyday } : {}) };
}

function notAMapping(root: Node): Problem {
  const found = root.tag === "list" ? "a list" : "only text";
  return {
    code: "WRONG_TYPE",
    message: `The file must be a mapping, not ${found}`,
    hint: 'Begin with "services:", and below it the services by name.',
    position: positionOf(root),
  };
}

function emptyFile(file: string): Problem {
  const hint = 'Begin with "services:", and below it the services by name.';
  return { code: "MISSING_KEY", message: `${file} is empty`, hint };
}

function readServices(
  root: MapNode,
  defaults: Readonly<Record<string, unknown>> | undefined,
  reading: Reading,
): Draft[] {
  const entry = entryOf(root, "services");
  const { report } = reading;
  const example = `For example: "services: ${servicesField.example}".`;
  if (!entry) report("MISSING_KEY", removalOf(root, "services") ?? root, '"services" is missing', example);
  else if (entry.value.tag === "map" && entry.value.entries.length > 0) {
    return readDrafts(entry.value, defaults, reading);
  } else if (entry.value.tag === "map" || (entry.value.tag === "scalar" && isNothing(entry.value))) {
    const [removed] = (entry.value.tag === "map" && entry.value.removed) || [];
    report(
      "MISSING_KEY",
      removed ? spanOf(removed.value, removed) : entry,
      '"services" names no service',
      example,
    );
  } else {
    report("WRONG_TYPE", entry, '"services" must be a mapping of names to services', example);
  }
  return [];
}

/** An unset variable of a service that does not run stops nobody. */
export function relevantProblems(draft: Draft, selected: ReadonlySet<Draft>): readonly Problem[] {
  if (selected.has(draft)) return draft.problems;
  return draft.problems.filter((problem) => problem.code !== "UNSET_VARIABLE");
}

/** What the whole, and the services among each other, must fulfil. `root` has all of what is not `services:`. */
export function checkTogether(
  drafts: readonly Draft[],
  selected: readonly Draft[],
  head: HeadSettings,
  root: MapNode,
  report: Report,
): void {
  const consistent = checkShutdown(head, root, report);
  const sound = checkDependencies(drafts, report);
  checkAddresses(selected, head, root, report);
  if (consistent && sound) checkBudget(selected, head.shutdown, root, report);
  if (drafts.length > 0 && !drafts.some((draft) => draft.settings.enabled)) {
    const message = "Every service is disabled: there is nothing to start";
    report("BAD_VALUE", entryOf(root, "services"), message, "Enable at least one.");
  }
}

/** Adds to those of the head what the services hold, always in the same order. */
export function gatherSecrets(
  drafts: readonly Draft[],
  selected: readonly Draft[],
  { admin, brokers }: HeadSettings,
  secrets: Set<string>,
): void {
  for (const draft of drafts) for (const secret of draft.secrets) secrets.add(secret);
  for (const { settings } of selected) {
    for (const name in settings.env) {
      const value = settings.env[name] as string;
      if (looksSecret(name)) addSecret(secrets, value);
      addUrlPasswords(secrets, value);
    }
  }
  if (admin !== false && admin.token) addSecret(secrets, admin.token);
  for (const name in brokers) addUrlPasswords(secrets, brokers[name] as string);
}
