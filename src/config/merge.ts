import type { Entry, MapNode, Node } from "./node.ts";

/**
 * Lays `over` on `base` (a JSON merge patch): mappings merge key by key, anything else replaces, `null`
 * removes. Every node keeps its own place, so positions lead into the file that a value came from.
 */
export function mergeMaps(base: MapNode, over: MapNode): MapNode {
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const before = entries.get(name);
    if (isNull(entry.value)) entries.delete(name);
    else entries.set(name, before ? mergeEntries(before, entry) : withoutNulls(entry));
  }
  return { ...base, entries };
}

function mergeEntries(before: Entry, entry: Entry): Entry {
  if (before.value.tag !== "map" || entry.value.tag !== "map") return withoutNulls(entry);
  return { ...before, value: mergeMaps(before.value, entry.value) };
}

/** A removal that finds nothing to remove is not a value. */
function withoutNulls(entry: Entry): Entry {
  if (entry.value.tag !== "map") return entry;
  const entries = new Map<string, Entry>();
  for (const [name, inner] of entry.value.entries) {
    if (!isNull(inner.value)) entries.set(name, withoutNulls(inner));
  }
  return { ...entry, value: { ...entry.value, entries } };
}

function isNull(node: Node): boolean {
  return node.tag === "scalar" && node.plain && /^(?:|~|null|Null|NULL)$/.test(node.text);
}
