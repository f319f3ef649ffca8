import type { Entry, ListNode, MapNode, Node, ScalarNode, Source } from "./node.ts";

/**
 * Reads the part of YAML that nearly every services.yaml stays within: block mappings and lists, one-line
 * flow collections, one-line scalars, comments. Returns undefined whenever it is not certain to read the
 * text exactly as the full parser does (anchors, tags, block scalars, escapes, tabs, anything wrong); the
 * full parser then has the word, and alone reports errors.
 *
 * It exists because the full parser costs 15 ms to load and 120 ms for 1,000 services
 * (docs/decisions/003-everyday-yaml.md).
 */
export function readEverydayYaml(source: Source): MapNode | undefined {
  try {
    return readDocument(source);
  } catch (error) {
    if (error === unsure) return undefined;
    throw error;
  }
}

const unsure = Symbol("unsure");
const deepest = 64;

// Line breaks and blanks that the full parser treats in its own way.
const unusualBlanks = /[\t\r\u0085\u00a0\u2028\u2029\ufeff]/;
const blankLines = /(?: *(?:#[^\n]*)?\n)* */y;
const restOfLine = /(?: +#[^\n]*| *)(?:\n|$)/y;
const blockKey = /(?:[A-Za-z0-9_][\w./-]{0,200}|"[^"\\\n]{0,200}"|'[^'\n]{0,200}'):(?: +|(?=\n)|$)/y;
const flowKey = /(?:[A-Za-z0-9_][\w./-]{0,200}|"[^"\\\n]{0,200}"|'[^'\n]{0,200}'): +/y;
const quoted = /"[^"\\\n]*"|'[^'\n]*'/y;
const flowPlain = /(?:[\w./$+~<^=;(]|-(?=[\w.]))(?:[^\s,[\]{}:#]|:(?=[^\s,[\]{}])| +(?=[^\s,[\]{}:#]))*/y;
/** What cannot begin a plain scalar, or begins something else. */
const indicators = new Set("-?:,[]{}#&*!|>'\"%@`".split("").map((char) => char.charCodeAt(0)));

const space = 0x20;
const newline = 0x0a;
const hash = 0x23;
const dash = 0x2d;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const openBrace = 0x7b;
const openBracket = 0x5b;

function readDocument(source: Source): MapNode {
  const { text } = source;
  if (unusualBlanks.test(text)) throw unsure;
  /** The next character to read. */
  let at = 0;
  /** The column of the first character of the current line that is neither blank nor comment. */
  let column = 0;
  let depth = 0;
  const manyNames = new Map<readonly Entry[], Set<string>>();

  toNextLine();
  if (text.startsWith("---\n", at) && column === 0) {
    at += 4;
    toNextLine();
  }
  const root = readBlock();
  if (root.tag !== "map" || at < text.length) throw unsure;
  return root;

  /** Stands at the first character of the next line with content, or at the end. */
  function toNextLine(): void {
    match(blankLines);
    column = at - (text.lastIndexOf("\n", at - 1) + 1);
    if (text.charCodeAt(at) === hash) at = text.length;
    if (at === text.length) column = -1;
  }

  function readBlock(): Node {
    if (++depth > deepest) throw unsure;
    const node = isListItem() ? readList(column) : readMap(column);
    depth--;
    return node;
  }

  function readMap(indent: number): MapNode {
    const start = at;
    const entries: Entry[] = [];
    while (column === indent) {
      const keyStart = at;
      match(blockKey);
      const keyEnd = text.lastIndexOf(":", at - 1);
      const name = readName(keyStart, keyEnd, entries);
      entries.push({
        source,
        start: keyStart,
        end: keyEnd,
        name,
        value: readBlockValue(indent, keyEnd + 1, true),
      });
    }
    if (column > indent) throw unsure;
    return { tag: "map", source, start, end: start, entries };
  }

  function readList(indent: number): ListNode {
    const start = at;
    const items: Node[] = [];
    while (column === indent && isListItem()) {
      const afterDash = at + 1;
      at = afterDash;
      while (text.charCodeAt(at) === space) at++;
      items.push(readListItem(indent, afterDash));
    }
    if (column > indent) throw unsure;
    return { tag: "list", source, start, end: start, items };
  }

  /** `- key: value` opens a mapping whose keys stand below `key`. */
  function readListItem(indent: number, afterDash: number): Node {
    if (isListItem()) throw unsure;
    const start = at;
    if (text.charCodeAt(at) !== newline && tryMatch(blockKey)) {
      at = start;
      column = indent + (start - afterDash) + 1;
      return readBlock();
    }
    return readBlockValue(indent, afterDash, false);
  }

  /** `empty`: where a value that is not there would be. Ends at the next line with content. */
  function readBlockValue(indent: number, empty: number, underKey: boolean): Node {
    const code = text.charCodeAt(at);
    if (at === text.length || code === newline || code === hash) {
      if (at < text.length) {
        const lineEnd = text.indexOf("\n", at);
        at = lineEnd === -1 ? text.length : lineEnd;
      }
      toNextLine();
      if (column > indent || (underKey && column === indent && isListItem())) return readBlock();
      return { tag: "scalar", source, start: empty, end: empty, text: "", plain: true };
    }
    const value = code === openBrace || code === openBracket ? readFlow() : readScalar(code);
    match(restOfLine);
    toNextLine();
    return value;
  }

  function readScalar(code: number): ScalarNode {
    if (code === doubleQuote || code === singleQuote) return readQuoted();
    const start = at;
    if (indicators.has(code) && (code !== dash || isListItem())) throw unsure;
    const lineEnd = text.indexOf("\n", at);
    let line = text.slice(at, lineEnd === -1 ? text.length : lineEnd);
    const comment = line.indexOf(" #");
    if (comment !== -1) line = line.slice(0, comment);
    let length = line.length;
    while (line.charCodeAt(length - 1) === space) length--;
    line = line.slice(0, length);
    if (line.includes(": ") || line.endsWith(":")) throw unsure;
    at += length;
    return { tag: "scalar", source, start, end: at, text: line, plain: true };
  }

  function readQuoted(): ScalarNode {
    const start = at;
    match(quoted);
    return { tag: "scalar", source, start, end: at, text: text.slice(start + 1, at - 1), plain: false };
  }

  function readFlow(): Node {
    const code = text.charCodeAt(at);
    if (code === openBrace) return readFlowMap();
    if (code === openBracket) return readFlowList();
    if (code === doubleQuote || code === singleQuote) return readQuoted();
    const start = at;
    match(flowPlain);
    return { tag: "scalar", source, start, end: at, text: text.slice(start, at), plain: true };
  }

  function readFlowMap(): MapNode {
    const start = at;
    const entries: Entry[] = [];
    openFlow();
    while (text[at] !== "}") {
      const keyStart = at;
      match(flowKey);
      const keyEnd = text.lastIndexOf(":", at - 1);
      const name = readName(keyStart, keyEnd, entries);
      entries.push({ source, start: keyStart, end: keyEnd, name, value: readFlow() });
      endFlowItem("}");
    }
    closeFlow();
    return { tag: "map", source, start, end: start, entries };
  }

  function readFlowList(): ListNode {
    const start = at;
    const items: Node[] = [];
    openFlow();
    while (text[at] !== "]") {
      items.push(readFlow());
      // A colon here, as in `[a: b]`, would make the item a mapping: no end of an item.
      endFlowItem("]");
    }
    closeFlow();
    return { tag: "list", source, start, end: start, items };
  }

  function openFlow(): void {
    if (++depth > deepest) throw unsure;
    at++;
    skipSpaces();
  }

  function endFlowItem(close: string): void {
    skipSpaces();
    if (text[at] === ",") at++;
    else if (text[at] !== close) throw unsure;
    skipSpaces();
  }

  function closeFlow(): void {
    at++;
    depth--;
  }

  function readName(start: number, end: number, before: readonly Entry[]): string {
    const code = text.charCodeAt(start);
    const bare = code !== doubleQuote && code !== singleQuote;
    const name = bare ? text.slice(start, end) : text.slice(start + 1, end - 1);
    if (isTaken(name, before)) throw unsure;
    return name;
  }

  /** Only a mapping with many entries is worth a set. */
  function isTaken(name: string, before: readonly Entry[]): boolean {
    if (before.length < 16) {
      for (const entry of before) if (entry.name === name) return true;
      return false;
    }
    let names = manyNames.get(before);
    if (!names) {
      names = new Set(before.map((entry) => entry.name));
      manyNames.set(before, names);
    }
    return names.size === names.add(name).size;
  }

  function isListItem(): boolean {
    if (text.charCodeAt(at) !== dash) return false;
    const next = text.charCodeAt(at + 1);
    return next === space || next === newline || at + 1 === text.length;
  }

  function skipSpaces(): void {
    while (text.charCodeAt(at) === space) at++;
  }

  function match(pattern: RegExp): void {
    if (!tryMatch(pattern)) throw unsure;
  }

  function tryMatch(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  }
}
