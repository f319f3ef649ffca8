import { shownLine, shownText } from "../core/shown-text.ts";
import { columns } from "./columns.ts";
import { bold, painted } from "./terminal.ts";

/** A cell, or a cell with the SGR code of its color. */
export type Cell = string | readonly [text: string, code: string];

/** A table with a head, its columns aligned; colors are put on afterwards, because codes have no width. */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  color: boolean,
): string {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "string" ? cell : cell[0])));
  const [first = "", ...others] = columns([head, ...texts]);
  const lines = others.map((line, index) => paintCells(line, rows[index] ?? [], color));
  return `${[bold(first, color), ...lines].join("\n")}\n`;
}

/**
 * Lines of `name  value`; a value that begins with a line feed stands below its name. What a terminal would obey is told;
 * line feeds stay: whoever has a value of one line passes it through shownLine().
 */
export function listText(
  entries: readonly (readonly [name: string, value: string | undefined])[],
  color: boolean,
): string {
  const known = entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, shownText(value)]]));
  const width = Math.max(...known.map(([name = ""]) => name.length));
  const line = ([name = "", value = ""]: readonly string[]) =>
    value.startsWith("\n")
      ? `${bold(name, color)}${value}\n`
      : `${bold(name.padEnd(width), color)}  ${value}\n`;
  return known.map(line).join("");
}

function paintCells(line: string, row: readonly Cell[], color: boolean): string {
  let painting = "";
  let rest = line;
  for (const cell of row) {
    const [written, code] = typeof cell === "string" ? [cell, ""] : cell;
    const text = shownLine(written);
    const at = rest.indexOf(text);
    painting += rest.slice(0, at) + painted(text, text === "" ? "" : code, color);
    rest = rest.slice(at + text.length);
  }
  return painting + rest;
}
