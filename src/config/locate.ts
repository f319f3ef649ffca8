import type { Locate } from "../core/problem.ts";
import type { MapNode, Node, Span } from "./node.ts";
import { entryOf, positionOf, spanOf } from "./node.ts";

interface Found {
  readonly span: Span | undefined;
  readonly node: Node;
  readonly depth: number;
}

/** Finds what the longest known prefix of `path` names, and how long that prefix is. */
export function findSpan(root: Node, path: readonly (string | number)[]): Found {
  let node = root;
  let span: Span | undefined;
  let depth = 0;
  for (const step of path) {
    const next = child(node, step);
    if (!next) break;
    span = spanOf(next.node, next.key);
    node = next.node;
    depth++;
  }
  return { span, node, depth };
}

/**
 * Finds places in a services.yaml. What a service does not say itself is looked for in `defaults:`.
 * Lines are counted only when it is called.
 */
export function createLocate(root: MapNode): Locate {
  return (path) => {
    const span = locateSpan(root, path);
    return span && positionOf(span);
  };
}

/** Where exactly `path` is written, in the service or in `defaults:`; undefined when nowhere. */
export function exactSpan(root: MapNode, path: readonly string[]): Span | undefined {
  return exactly(root, path)?.span;
}

/** Whether something is written at `path`, whatever it is worth: `{}` and `[]` hold nothing. */
export function holdsAny(root: MapNode, path: readonly string[]): boolean {
  const node = exactly(root, path)?.node;
  if (node?.tag === "map") return node.entries.length > 0;
  return node?.tag === "list" ? node.items.length > 0 : node !== undefined;
}

function exactly(root: MapNode, path: readonly string[]): Found | undefined {
  const own = findSpan(root, path);
  if (own.depth === path.length) return own;
  if (path[0] !== "services") return undefined;
  const inherited = findSpan(root, ["defaults", ...path.slice(2)]);
  return inherited.depth + 1 === path.length ? inherited : undefined;
}

function locateSpan(root: MapNode, path: readonly (string | number)[]): Span | undefined {
  const own = findSpan(root, path);
  if (path[0] !== "services" || own.depth === path.length || own.depth < 2) return own.span;
  const inherited = findSpan(root, ["defaults", ...path.slice(2)]);
  return inherited.depth + 1 > own.depth ? inherited.span : own.span;
}

function child(node: Node, step: string | number): { node: Node; key: Span } | undefined {
  if (node.tag === "map") {
    const entry = entryOf(node, String(step));
    return entry && { node: entry.value, key: entry };
  }
  const item = node.tag === "list" ? node.items[Number(step)] : undefined;
  return item && { node: item, key: item };
}
