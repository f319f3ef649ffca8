import type { Locate } from "../core/problem.ts";
import type { MapNode, Node, Span } from "./node.ts";
import { entryOf, positionOf, spanOf } from "./node.ts";

/** Finds what the longest known prefix of `path` names, and how long that prefix is. */
export function findSpan(
  root: Node,
  path: readonly (string | number)[],
): { readonly span: Span | undefined; readonly depth: number } {
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
  return { span, depth };
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
  const own = findSpan(root, path);
  if (own.depth === path.length) return own.span;
  if (path[0] !== "services") return undefined;
  const inherited = findSpan(root, ["defaults", ...path.slice(2)]);
  return inherited.depth + 1 === path.length ? inherited.span : undefined;
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
