import type { Aim, Figure, Judgement } from "./figure.ts";
import { isMet } from "./figure.ts";
import { spreadOf } from "./statistics.ts";

/** A table for terminals and Markdown alike: median (min–max) of the rounds, and the aim beside each figure. */
export function renderTable(figures: readonly Figure[]): string {
  const head = ["", "baseline", "supervisor", "compared", "aim", ""];
  const rows = figures.map((each) => [
    `${each.what}, ${each.unit}`,
    each.baseline.length > 0 ? spread(each.baseline, digits(each.unit)) : "",
    spread(each.supervisor, digits(each.unit)),
    each.by === "value" ? "" : compared(each),
    each.aim ? aimText(each.aim, each.by) : "",
    { true: "met", false: "MISSED", undefined: "" }[String(isMet(each))] as string,
  ]);
  const widths = head.map((title, column) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? title).length)),
  );
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function compared({ judged, by }: Figure): string {
  return by === "ratio" ? `×${spread(judged, 2)}` : spread(judged, 1, "+");
}

function aimText(aim: Aim, by: Judgement): string {
  const sign = { ratio: "×", difference: "+", value: "" }[by];
  return "atMost" in aim ? `≤ ${sign}${aim.atMost}` : `≥ ${sign}${aim.atLeast}`;
}

/** @example spread([1, 2, 4], 1) // "2.0 (1.0–4.0)" */
function spread(values: readonly number[], decimals: number, plus = ""): string {
  const { median, min, max } = spreadOf(values);
  const text = (value: number) => `${value >= 0 ? plus : ""}${value.toFixed(decimals)}`;
  return `${text(median)} (${text(min)}–${text(max)})`;
}

function digits(unit: string): number {
  return unit.endsWith("/s") ? 0 : /^(p\d|max)/.test(unit) ? 2 : 1;
}
