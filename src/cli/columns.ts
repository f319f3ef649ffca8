import { shownLine } from "../core/shown-text.ts";

/**
 * Lines of text with aligned columns, two spaces apart; no line ends in spaces. What would break a line or be obeyed by
 * a terminal is told, so cells may hold anybody's text, and no colors.
 *
 * @example columns([["a", "b"], ["long", "c"]]) // ["a     b", "long  c"]
 */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  const shown = rows.map((row) => row.map(shownLine));
  for (const row of shown) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join("  ")
      .trimEnd(),
  );
}
