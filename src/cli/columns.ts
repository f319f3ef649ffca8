/**
 * Lines of text with aligned columns, two spaces apart; no line ends in spaces.
 *
 * @example columns([["a", "b"], ["long", "c"]]) // ["a     b", "long  c"]
 */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join("  ")
      .trimEnd(),
  );
}
