/** The lines of a services.yaml, taken apart at its services. Put together in order they are the text. */
export interface ServiceBlocks {
  /** Up to the line `services:`, with it. */
  readonly before: string;
  /** The lines of each service, with its name as the key; comments count to the service above them. */
  readonly blocks: ReadonlyMap<string, string>;
  readonly after: string;
  /** Those with other lines than in `last`, when all else is the same: the names, their order, `before` and `after`. */
  readonly changed?: readonly string[];
}

/**
 * Takes a text apart by indentation alone, which is right for everyday YAML: no value there has more than one line.
 * Undefined when it looks like anything else; that it is everyday YAML is for others to find out. With `last`, of a text
 * that is nearly the same, it looks only at the services between the first and the last difference.
 */
export function splitServices(text: string, last?: ServiceBlocks): ServiceBlocks | undefined {
  return (last && splitChanged(text, last)) ?? splitAll(text);
}

function splitAll(text: string): ServiceBlocks | undefined {
  const opening = /^services: *(?:#.*)?\n/m.exec(text);
  if (!opening) return undefined;
  const from = opening.index + opening[0].length;
  const to = endOf(text, from);
  const section = text.slice(from, to);
  const blocks = splitSection(section, indentOf(section));
  if (!blocks) return undefined;
  return { before: text.slice(0, from), blocks, after: text.slice(to) };
}

/** Where the next key of the file begins, or its end. */
function endOf(text: string, from: number): number {
  const next = /^[^\s#]/gm;
  next.lastIndex = from;
  return next.exec(text)?.index ?? text.length;
}

function indentOf(section: string): number {
  return /^( +)[^\s#]/m.exec(section)?.[1]?.length ?? 0;
}

function splitSection(section: string, indent: number): Map<string, string> | undefined {
  if (indent === 0) return undefined;
  const blocks = new Map<string, string>();
  const starts = new RegExp(`^ {${indent}}(?=[^ \\n#])(?:([A-Za-z0-9_][\\w.-]*):(?=[ \\n]|$))?`, "gm");
  let name: string | undefined;
  let start = 0;
  for (let found = starts.exec(section); found; found = starts.exec(section)) {
    if (name !== undefined) blocks.set(name, section.slice(start, found.index));
    name = found[1];
    if (name === undefined || blocks.has(name)) return undefined;
    start = blocks.size === 0 ? 0 : found.index;
  }
  if (name !== undefined) blocks.set(name, section.slice(start));
  return blocks;
}

/** Undefined unless the difference lies within services that are called as before. */
function splitChanged(text: string, last: ServiceBlocks): ServiceBlocks | undefined {
  const { before, after } = last;
  if (!text.startsWith(before) || !text.endsWith(after)) return undefined;
  if (text.length < before.length + after.length) return undefined;
  const section = text.slice(before.length, text.length - after.length);
  // A key of the file among the services would end them; a service more indented would be part of another.
  const { names, lines, isLast } = changedBlocks(section, last.blocks);
  if (names.length === 0 && lines === "") return { ...last, changed: [] };
  const endsLine = lines.endsWith("\n") || (isLast && after === "");
  if (!endsLine || endOf(lines, 0) < lines.length) return undefined;
  const indent = indentOf(last.blocks.values().next().value ?? "");
  if (indentOf(lines) !== indent) return undefined;
  const found = splitSection(lines, indent);
  if (!found || !isSameList([...found.keys()], names)) return undefined;
  const blocks = new Map(last.blocks);
  for (const [name, block] of found) blocks.set(name, copyOf(block));
  const changed = names.filter((name) => blocks.get(name) !== last.blocks.get(name));
  return { before, blocks, after, changed };
}

interface ChangedBlocks {
  readonly names: readonly string[];
  /** What stands in their place now. */
  readonly lines: string;
  /** No service follows them. */
  readonly isLast: boolean;
}

function changedBlocks(section: string, blocks: ReadonlyMap<string, string>): ChangedBlocks {
  let from = 0;
  let rest = [...blocks];
  const isSameHere = ([, lines]: readonly [string, string]) => section.startsWith(lines, from);
  let index = 0;
  for (let block = rest[0]; block && isSameHere(block); block = rest[++index]) from += block[1].length;
  rest = rest.slice(index);
  let to = section.length;
  for (let block = rest.at(-1); block; block = rest.at(-1)) {
    const start = to - block[1].length;
    if (start < from || !section.startsWith(block[1], start)) break;
    to = start;
    rest.pop();
  }
  return { names: rest.map(([name]) => name), lines: section.slice(from, to), isLast: to === section.length };
}

/** A part of a text keeps the whole of it in memory. */
function copyOf(lines: string): string {
  return Buffer.from(lines).toString();
}

function isSameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}
