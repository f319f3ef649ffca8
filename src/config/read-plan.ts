import type { ErrorCode } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { Locate, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import { checkBudget } from "./budget.ts";
import { checkServices, checkShutdown } from "./checks.ts";
import type { Draft } from "./draft.ts";
import { readDrafts } from "./draft.ts";
import { fillFields } from "./fill.ts";
import type { Report } from "./findings.ts";
import { inOrder, reportTo } from "./findings.ts";
import { checkDependencies, selectDrafts } from "./graph.ts";
import type { Loaded } from "./load-source.ts";
import { loadOverlay, loadSource } from "./load-source.ts";
import { createLocate, exactSpan } from "./locate.ts";
import { mergeMaps } from "./merge.ts";
import type { MapNode, Node } from "./node.ts";
import { entryOf, positionOf } from "./node.ts";
import { makePlan } from "./plan-parts.ts";
import { readFields } from "./read-field.ts";
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
}

export interface PlanSource {
  /** Deeply frozen. */
  readonly plan: Plan;
  /** For problems that are found later; keeps the files' text in memory as long as it is kept. */
  readonly locate: Locate;
}

/**
 * Reads a services.yaml, and its overlay, into a plan. Starts nothing and writes nothing.
 *
 * @throws ProblemsError with everything that is wrong, in reading order. What depends on this machine (unset variables,
 * absent files) counts only for services that are selected.
 */
export async function readPlan(options: ReadOptions): Promise<PlanSource> {
  const { problems, planOf, selected } = await readDraft(options);
  if (problems.length > 0) throw new ProblemsError(problems);
  return planOf(selected);
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

interface PlanDraft {
  readonly problems: readonly Problem[];
  readonly selected: readonly Draft[];
  readonly planOf: (drafts: readonly Draft[]) => PlanSource;
  /** Whether what its module is loaded and judged by is as written. */
  readonly isLoadable: (draft: Draft) => boolean;
}

async function readDraft(options: ReadOptions): Promise<PlanDraft> {
  const root = await readTree(options);
  const problems: Problem[] = [];
  const report = reportTo(problems);
  const secrets = new Set<string>();
  const reading: Reading = { variables: options.variables, secrets, report };

  const headWritten = readFields(root, headFields, reading, "", undefined, ["services"]);
  const head = fillFields(headFields, [headWritten]);
  const drafts = readServices(root, headWritten.defaults, reading);
  const selected = selectDrafts(drafts, options.only ?? [], report);
  const runs = new Set(selected);
  for (const draft of drafts) problems.push(...relevantProblems(draft, runs));
  check(drafts, selected, head, root, report);
  return {
    problems: inOrder(problems),
    selected,
    planOf(services) {
      for (const { settings } of services) gatherSecrets(settings.env, secrets);
      const token = head.admin === false ? "" : head.admin.token;
      if (token) addSecret(secrets, token);
      return { plan: makePlan(root.source.file, head, services, secrets), locate: createLocate(root) };
    },
    isLoadable: (draft) => isLoadable(draft, root),
  };
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

async function readTree({ file, env }: ReadOptions): Promise<MapNode> {
  const [base, overlay] = await Promise.all([
    readSource(loadSource(file)),
    env === undefined ? undefined : readSource(loadOverlay(file, env)),
  ]);
  const problems = [...base.problems, ...(overlay?.problems ?? [])];
  if (base.problems.length === 0 && base.map === undefined) problems.push(emptyFile(file));
  if (problems.length > 0 || !base.map) throw new ProblemsError(inOrder(problems));
  return overlay?.map ? mergeMaps(base.map, overlay.map) : base.map;
}

interface ReadSource {
  /** Absent when the file says nothing. */
  readonly map?: MapNode;
  readonly problems: readonly Problem[];
}

async function readSource(loaded: Loaded): Promise<ReadSource> {
  if ("problem" in loaded) return { problems: [loaded.problem] };
  const { root, problems } = await readYaml(loaded.source);
  if (!root) return { problems };
  return root.tag === "map" ? { map: root, problems } : { problems: [notAMapping(root)] };
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
  if (!entry) report("MISSING_KEY", root, '"services" is missing', example);
  else if (entry.value.tag === "map" && entry.value.entries.length > 0) {
    return readDrafts(entry.value, defaults, reading);
  } else if (entry.value.tag === "map" || (entry.value.tag === "scalar" && isNothing(entry.value))) {
    report("MISSING_KEY", entry, '"services" names no service', example);
  } else {
    report("WRONG_TYPE", entry, '"services" must be a mapping of names to services', example);
  }
  return [];
}

/** An unset variable of a service that does not run stops nobody. */
function relevantProblems(draft: Draft, selected: ReadonlySet<Draft>): readonly Problem[] {
  if (selected.has(draft)) return draft.problems;
  return draft.problems.filter((problem) => problem.code !== "UNSET_VARIABLE");
}

function check(
  drafts: readonly Draft[],
  selected: readonly Draft[],
  head: HeadSettings,
  root: MapNode,
  report: Report,
): void {
  const consistent = checkShutdown(head, root, report);
  const sound = checkDependencies(drafts, report);
  checkServices(selected, head, root, report);
  if (consistent && sound) checkBudget(selected, head.shutdown, root, report);
  if (drafts.length > 0 && !drafts.some((draft) => draft.settings.enabled)) {
    const message = "Every service is disabled: there is nothing to start";
    report("BAD_VALUE", entryOf(root, "services"), message, "Enable at least one.");
  }
}

function gatherSecrets(env: Readonly<Record<string, string>>, secrets: Set<string>): void {
  for (const [name, value] of Object.entries(env)) {
    if (looksSecret(name)) addSecret(secrets, value);
    addUrlPasswords(secrets, value);
  }
}
