import type { Position } from "../core/problem.ts";

/** A file that nodes point into. */
export interface Source {
  /** Absolute path. */
  readonly file: string;
  readonly text: string;
}

/** Where something is: UTF-16 offsets into `source.text`. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** What YAML says, before any schema. Offsets stay offsets until someone has to be shown a line. */
export type Node = ScalarNode | MapNode | ListNode;

export interface ScalarNode extends Span {
  readonly tag: "scalar";
  /** As written for a plain scalar (`1.10` stays `1.10`), without quotes and escapes for the others. */
  readonly text: string;
  /** Not quoted: it may be a number, a boolean or null. */
  readonly plain: boolean;
}

/** Starts at its first key; `end` means nothing for collections. */
export interface MapNode extends Span {
  readonly tag: "map";
  /** In the order of the file; no name twice. An array, because a Map for each mapping is most of the memory. */
  readonly entries: readonly Entry[];
  /** What an overlay has removed, as it says so. */
  readonly removed?: readonly Entry[];
}

export interface ListNode extends Span {
  readonly tag: "list";
  readonly items: readonly Node[];
}

/** A key (the span) and its value. */
export interface Entry extends Span {
  readonly name: string;
  readonly value: Node;
}

/** The entry of `name`; mappings with many entries are indexed when first asked. */
export function entryOf(node: MapNode, name: string): Entry | undefined {
  if (node.entries.length <= fewEntries) {
    for (const entry of node.entries) if (entry.name === name) return entry;
    return undefined;
  }
  let index = indexes.get(node);
  if (!index) {
    index = new Map(node.entries.map((entry) => [entry.name, entry]));
    indexes.set(node, index);
  }
  return index.get(name);
}

/** Where an overlay has removed `name`: the reason why it is missing. */
export function removalOf({ removed }: MapNode, name: string): Span | undefined {
  const entry = removed?.find((each) => each.name === name);
  return entry && spanOf(entry.value, entry);
}

const fewEntries = 16;
const indexes = new WeakMap<MapNode, ReadonlyMap<string, Entry>>();

/** What to underline for a value: the value itself when it fits a line, else the key that leads to it. */
export function spanOf(value: Node, key: Span | undefined): Span {
  const shown = value.tag === "scalar" && value.end > value.start;
  return shown || !key ? value : key;
}

/** Turns offsets into a line. Passwords inside URLs are masked, because the line will be printed. */
export function positionOf(span: Span): Position {
  const { text, file } = span.source;
  const starts = lineStarts(span.source);
  const line = lineOf(starts, span.start);
  const lineStart = starts[line - 1] as number;
  const lineEnd = Math.max(lineStart, (starts[line] ?? text.length + 1) - 1);
  const end = Math.min(Math.max(span.end, span.start + 1), Math.max(lineEnd, span.start + 1));
  return {
    file,
    line,
    column: span.start - lineStart + 1,
    text: maskPasswords(text.slice(lineStart, lineEnd).replace(/\r$/, "")),
    length: end - span.start,
  };
}

/** As many stars as there were characters: a caret below must not move. */
export function maskPasswords(line: string): string {
  return line.replace(
    /(?<=:\/\/[^\s:/?#@]*:)[^\s@/${}]+(?=@)|(?<=:\/\/\S*[?&]\w*password=)[^\s&"'${},]+/gi,
    (password) => "*".repeat(password.length),
  );
}

const lineTables = new WeakMap<Source, readonly number[]>();

/** Counted once for each file, and only when the first place in it is asked for. */
function lineStarts(source: Source): readonly number[] {
  const known = lineTables.get(source);
  if (known) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at !== -1; at = source.text.indexOf("\n", at + 1))
    starts.push(at + 1);
  lineTables.set(source, starts);
  return starts;
}

/** The number, from 1, of the line that `offset` is in. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
