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
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface ListNode extends Span {
  readonly tag: "list";
  readonly items: readonly Node[];
}

/** A key (the span) and its value. */
export interface Entry extends Span {
  readonly value: Node;
}

/** What to underline for a value: the value itself when it fits a line, else the key that leads to it. */
export function spanOf(value: Node, key: Span | undefined): Span {
  const shown = value.tag === "scalar" && value.end > value.start;
  return shown || !key ? value : key;
}

/** Turns offsets into a line. Passwords inside URLs are masked, because the line will be printed. */
export function positionOf(span: Span): Position {
  const { text, file } = span.source;
  const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
  const lineBreak = text.indexOf("\n", span.start);
  const lineEnd = lineBreak === -1 ? text.length : lineBreak;
  const end = Math.min(Math.max(span.end, span.start + 1), Math.max(lineEnd, span.start + 1));
  return {
    file,
    line: lineNumber(text, lineStart),
    column: span.start - lineStart + 1,
    text: maskPasswords(text.slice(lineStart, lineEnd).replace(/\r$/, "")),
    length: end - span.start,
  };
}

function lineNumber(text: string, lineStart: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < lineStart; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** As many stars as there were characters: the caret below must not move. */
function maskPasswords(line: string): string {
  return line.replace(
    /(:\/\/[^\s:/?#@]*:)([^\s@/${}]+)(?=@)/g,
    (_, before: string, password: string) => before + "*".repeat(password.length),
  );
}
