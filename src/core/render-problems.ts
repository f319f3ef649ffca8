import { relative } from "node:path";
import type { Position, Problem } from "./problem.ts";

export interface RenderOptions {
  readonly color: boolean;
  /** File names are shown relative to this folder. */
  readonly cwd: string;
}

/**
 * The text that an operator reads: every problem with its place, its line and what to do, in reading order, and how many
 * there are. Ends without a newline.
 */
export function renderProblems(problems: readonly Problem[], { color, cwd }: RenderOptions): string {
  const style = color ? colors : plain;
  const sorted = [...problems].sort((a, b) => comparePositions(a.position, b.position));
  const blocks = sorted.map((problem) => renderProblem(problem, style, cwd));
  return [...blocks, style.strong(summary(sorted, cwd))].join("\n\n");
}

/** One problem with its place and its line, without what to do about it. Ends without a newline. */
export function describeProblem(problem: Problem, { color, cwd }: RenderOptions): string {
  const { message, position } = problem;
  if (!position) return message;
  const place = `${nameOf(position.file, cwd)}:${position.line}:${position.column}`;
  return [`${place} ${message}`, ...codeFrame(position, color ? colors : plain)].join("\n");
}

type Paint = (text: string) => string;
interface Style {
  readonly strong: Paint;
  readonly wrong: Paint;
  readonly faint: Paint;
  readonly help: Paint;
}

const paint =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const colors: Style = { strong: paint(1), wrong: paint(31), faint: paint(2), help: paint(36) };
const asIs: Paint = (text) => text;
const plain: Style = { strong: asIs, wrong: asIs, faint: asIs, help: asIs };

function renderProblem({ code, message, hint, position }: Problem, style: Style, cwd: string): string {
  const place = position ? `${nameOf(position.file, cwd)}:${position.line}:${position.column} ` : "";
  return [
    `${style.strong(place)}${style.wrong(code)}  ${message}`,
    ...(position ? codeFrame(position, style) : []),
    `${style.help("help:")} ${hint}`,
  ].join("\n");
}

const widest = 100;

function codeFrame({ line, column, text, length }: Position, style: Style): string[] {
  // A long line is cut to a window around the caret.
  const from = column > widest * 0.8 ? column - 1 - widest / 2 : 0;
  const shown = printable(text.slice(from, from + widest));
  const cut = { left: from > 0 ? "…" : "", right: text.length > from + widest ? "…" : "" };
  const indent = " ".repeat(cut.left.length + widthOf(printable(text.slice(from, column - 1))));
  const marked = printable(text.slice(column - 1, Math.min(column - 1 + length, from + widest)));
  const number = String(line).padStart(5);
  return [
    `${style.faint(`${number} |`)} ${cut.left}${shown}${cut.right}`,
    `${style.faint("      |")} ${indent}${style.wrong("^".repeat(Math.max(1, widthOf(marked))))}`,
  ];
}

/** A tab as one space keeps the caret in place; other control characters could write over the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\t/g, " ").replace(/[\0-\x1f\x7f-\x9f]/g, "\ufffd");
}

/** In terminal cells: East Asian letters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of text) {
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}

function summary(problems: readonly Problem[], cwd: string): string {
  const files = [
    ...new Set(problems.flatMap(({ position }) => (position ? [nameOf(position.file, cwd)] : []))),
  ];
  const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  const where = files.length > 3 ? `${files.length} files` : files.join(" and ");
  return `${count}${where ? ` in ${where}` : ""}; nothing was started.`;
}

function nameOf(file: string, cwd: string): string {
  return relative(cwd, file) || file;
}

/** Reading order, file by file; problems without a place come last. */
export function comparePositions(a: Position | undefined, b: Position | undefined): number {
  if (!a || !b) return a ? -1 : b ? 1 : 0;
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
