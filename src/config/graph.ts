import { nearest } from "../core/nearest.ts";
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
  for (const cycle of findCycles(drafts, byName)) reportCycle(cycle, wrong);
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
    report(
      "DEPENDENCY_CYCLE",
      at,
      `Service "${name}" depends on itself`,
      "Remove it from its own depends_on.",
    );
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

/** Every cycle of more than one service that a walk through the file meets, each once. */
function findCycles(drafts: readonly Draft[], byName: ReadonlyMap<string, Draft>): Draft[][] {
  const done = new Set<Draft>();
  const cycles: Draft[][] = [];
  for (const root of drafts) {
    /** The walk's way down: each service, and the dependencies still to be looked at. */
    const path: { draft: Draft; open: string[] }[] = [];
    const onPath = new Map<Draft, number>();
    enter(root);
    while (path.length > 0) {
      const { draft, open } = path[path.length - 1] as (typeof path)[number];
      const name = open.shift();
      const next = name === undefined ? undefined : byName.get(name);
      const seenAt = next && onPath.get(next);
      if (name === undefined) leave(draft);
      else if (seenAt === undefined) next && enter(next);
      else if (next !== draft) cycles.push(path.slice(seenAt).map((step) => step.draft));
    }
    function enter(draft: Draft): void {
      if (done.has(draft) || !draft.settings.enabled) return;
      onPath.set(draft, path.length);
      path.push({ draft, open: Object.keys(draft.settings.depends_on) });
    }
    function leave(draft: Draft): void {
      path.pop();
      onPath.delete(draft);
      done.add(draft);
    }
  }
  return cycles;
}

function reportCycle(cycle: readonly Draft[], report: Report): void {
  const [first, second] = cycle as [Draft, Draft];
  const names = [...cycle, first].map((draft) => draft.name).join(" → ");
  report(
    "DEPENDENCY_CYCLE",
    dependencySpan(first, second.name),
    `Services depend on each other in a circle: ${names}`,
    "Remove one of these dependencies: none of the services could start first.",
  );
}
