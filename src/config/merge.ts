import type { Entry, MapNode, Node } from "./node.ts";
import { entryOf } from "./node.ts";

/**
 * Lays `over` on `base` (a JSON merge patch): mappings merge key by key, anything else replaces, `null`
 * removes. Every node keeps its own place, so positions lead into the file that a value came from.
 */
export function mergeMaps(base: MapNode, over: MapNode): MapNode {
  const kept = base.entries.flatMap((entry) => {
    const change = entryOf(over, entry.name);
    return change ? replaced(entry, change) : [entry];
  });
  const added = over.entries.filter((entry) => !entryOf(base, entry.name) && !isNull(entry.value));
  const removed = over.entries.filter((entry) => isNull(entry.value) && entryOf(base, entry.name));
  return {
    ...base,
    entries: [...kept, ...added.map(withoutNulls)],
    ...(removed.length > 0 ? { removed } : {}),
  };
}

function replaced(before: Entry, change: Entry): Entry[] {
  if (isNull(change.value)) return [];
  if (before.value.tag !== "map" || change.value.tag !== "map") return [withoutNulls(change)];
  return [{ ...before, value: mergeMaps(before.value, change.value) }];
}

/** A removal that finds nothing to remove is not a value. */
function withoutNulls(entry: Entry): Entry {
  if (entry.value.tag !== "map") return entry;
  const entries = entry.value.entries.filter((inner) => !isNull(inner.value)).map(withoutNulls);
  return { ...entry, value: { ...entry.value, entries } };
}

function isNull(node: Node): boolean {
  return node.tag === "scalar" && node.plain && /^(?:|~|null|Null|NULL)$/.test(node.text);
}
