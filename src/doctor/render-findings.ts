import type { RenderOptions } from "../core/render-problems.ts";
import { describeProblem } from "../core/render-problems.ts";
import type { Finding, Level } from "./finding.ts";
import { summaryOf } from "./finding.ts";

/** The text that an operator reads: every finding with its place, its line and its remedy, and how many there are. */
export function renderFindings(findings: readonly Finding[], options: RenderOptions): string {
  const paint = options.color ? painted : (text: string) => text;
  const blocks = findings.map(({ level, code, message, remedy, position }) => {
    const head = `${paint(`${level} ${code}`, colors[level])}  ${message}`;
    const place = position ? { position } : {};
    return `${describeProblem({ code: "INTERNAL", message: head, hint: remedy, ...place }, options)}\n${paint("help:", 36)} ${remedy}`;
  });
  return `${[...blocks, summaryOf(findings)].join("\n\n")}\n`;
}

const colors: Readonly<Record<Level, number>> = { error: 31, warn: 33, info: 36 };

function painted(text: string, color: number): string {
  return `\u001b[${color}m${text}\u001b[0m`;
}
