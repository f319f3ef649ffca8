import { nearest } from "../core/nearest.ts";
import type { DependencyCondition, RestartPlan } from "../core/plan.ts";
import type { Draft } from "./draft.ts";
import type { Report } from "./findings.ts";
import type { Node, Span } from "./node.ts";
import { entryOf } from "./node.ts";

/** The services that will run: those named on the command line, or all, with what they depend on. */
export function selectDrafts(
  drafts: readonly Draft[],
  only: readonly string[],
  report: Report,
): readonly Draft[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  const enabled = drafts.filter((draft) => draft.settings.enabled);
  if (only.length === 0) return enabled;
  const chosen = new Set<Draft>();
  const waiting = only.map((name) => wanted(name, byName, report));
  for (let draft = waiting.pop(); waiting.length > 0 || draft; draft = waiting.pop()) {
    if (!draft?.settings.enabled || chosen.has(draft)) continue;
    chosen.add(draft);
    waiting.push(...Object.keys(draft.settings.depends_on).map((name) => byName.get(name)));
  }
  return drafts.filter((draft) => chosen.has(draft));
}

/** Checks that every `depends_on` can be met. True when the graph is sound. */
export function checkDependencies(drafts: readonly Draft[], report: Report): boolean {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  let sound = true;
  const wrong: Report = (...args) => {
    sound = false;
    report(...args);
  };
  for (const draft of drafts) {
    if (!draft.settings.enabled) continue;
    for (const name of Object.keys(draft.settings.depends_on)) checkDependency(draft, name, byName, wrong);
  }
  const enabled = drafts.filter(({ settings }) => settings.enabled);
  const needs = new Map(enabled.map(({ name, settings }) => [name, Object.keys(settings.depends_on)]));
  checkCycles(needs, (name, need) => dependencySpan(byName.get(name) as Draft, need), wrong);
  return sound;
}

function wanted(name: string, byName: ReadonlyMap<string, Draft>, report: Report): Draft | undefined {
  const draft = byName.get(name);
  if (!draft) {
    const known = [...byName.keys()];
    report("UNKNOWN_SERVICE", undefined, `There is no service "${name}"`, suggest(name, known));
  } else if (!draft.settings.enabled) {
    report("UNKNOWN_SERVICE", draft.entry, `Service "${name}" is disabled`, 'Remove its "enabled: false".');
  }
  return draft;
}

function checkDependency(
  draft: Draft,
  name: string,
  byName: ReadonlyMap<string, Draft>,
  report: Report,
): void {
  const at = dependencySpan(draft, name);
  const need = byName.get(name);
  if (name === draft.name) {
    reportSelf(name, at, report);
  } else if (!need) {
    const others = [...byName.keys()].filter((other) => other !== draft.name);
    report(
      "UNKNOWN_SERVICE",
      at,
      `Service "${draft.name}" depends on "${name}", which does not exist`,
      suggest(name, others),
    );
  } else if (!need.settings.enabled) {
    report(
      "UNKNOWN_SERVICE",
      at,
      `Service "${draft.name}" depends on "${name}", which is disabled`,
      `Enable "${name}", or disable "${draft.name}" too.`,
    );
  } else if (isEndless(draft.settings.depends_on[name], need.settings.restart)) {
    reportEndless(draft.name, name, at, report);
  }
}

function suggest(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const shown = known.length > 20 ? [...known.slice(0, 20), "…"] : known;
  return `${meant ? `Did you mean "${meant}"? ` : ""}Known services: ${shown.join(", ") || "none"}.`;
}

/** Where the name stands in any of the three ways to write `depends_on`. */
function dependencySpan(draft: Draft, name: string): Span {
  const service = draft.entry.value;
  const entry = service.tag === "map" ? entryOf(service, "depends_on") : undefined;
  if (!entry) return draft.entry;
  return nameSpan(entry.value, name) ?? entry;
}

function nameSpan(node: Node, name: string): Span | undefined {
  if (node.tag === "map") return entryOf(node, name);
  if (node.tag === "scalar") return node;
  return node.items.find((item) => item.tag === "scalar" && item.text === name);
}

/** Reports every circle of more than one service that a walk through `needs` meets, each once; `find` tells where it is written. */
export function checkCycles(
  needs: ReadonlyMap<string, readonly string[]>,
  find: (name: string, need: string) => Span | undefined,
  report: Report,
): void {
  for (const cycle of findCycles(needs)) {
    const [first, second] = cycle as [string, string];
    report(
      "DEPENDENCY_CYCLE",
      find(first, second),
      `Services depend on each other in a circle: ${[...cycle, first].join(" → ")}`,
      "Remove one of these dependencies: none of the services could start first.",
    );
  }
}

export function reportSelf(name: string, at: Span | undefined, report: Report): void {
  report("DEPENDENCY_CYCLE", at, `Service "${name}" depends on itself`, "Remove it from its own depends_on.");
}

/** Whether who waits under this condition would do so for ever. */
export function isEndless(condition: DependencyCondition | undefined, { policy }: RestartPlan): boolean {
  return condition === "completed" && policy === "always";
}

export function reportEndless(name: string, need: string, at: Span | undefined, report: Report): void {
  report(
    "BAD_VALUE",
    at,
    `Service "${name}" waits until "${need}" is completed, but that starts again each time: its restart is always`,
    `Give "${need}" the restart on-failure, or wait for it with ready.`,
  );
}

function findCycles(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const root of needs.keys()) {
    /** The walk's way down: each service, and the dependencies still to be looked at. */
    const path: { name: string; open: string[] }[] = [];
    const onPath = new Map<string, number>();
    enter(root);
    while (path.length > 0) {
      const { name, open } = path[path.length - 1] as (typeof path)[number];
      const next = open.shift();
      const seenAt = next === undefined ? undefined : onPath.get(next);
      if (next === undefined) leave(name);
      else if (seenAt === undefined) enter(next);
      else if (next !== name) cycles.push(path.slice(seenAt).map((step) => step.name));
    }
    function enter(name: string): void {
      const open = needs.get(name);
      if (!open || done.has(name)) return;
      onPath.set(name, path.length);
      path.push({ name, open: [...open] });
    }
    function leave(name: string): void {
      path.pop();
      onPath.delete(name);
      done.add(name);
    }
  }
  return cycles;
}
