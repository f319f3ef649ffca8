import type { Problem } from "../core/problem.ts";
import type { Source, Span } from "./node.ts";
import { positionOf } from "./node.ts";

/** What the YAML parser says about a mistake: a code of its own, a sentence, and offsets. */
export interface YamlMistake {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

export function syntaxProblem(span: Span, message: string, hint: string): Problem {
  return { code: "YAML_SYNTAX", message, hint, position: positionOf(span) };
}

/**
 * The parser's mistakes in the words of this project: one for each line, and none that only follows from another one.
 * `parse` tells the mistakes of a text; it is asked again where a variable has derailed the parser.
 */
export function yamlProblems(source: Source, parse: (text: string) => readonly YamlMistake[]): Problem[] {
  const byLine = new Map<number, Problem>();
  let { text } = source;
  let mistakes = inOrder(parse(text));
  const add = (problem: Problem) => {
    const line = problem.position?.line ?? 0;
    if (!byLine.has(line)) byLine.set(line, problem);
    // A binary file has a mistake in every line; the first twenty say it all.
    return byLine.size < mostProblems;
  };
  for (let [first] = mistakes; first && isAtVariable(text, first.pos[0]); [first] = mistakes) {
    const [start] = first.pos;
    if (!add(syntaxProblem({ source, start, end: first.pos[1] }, ...variableInFlow))) break;
    text = withoutVariables(text, start);
    mistakes = inOrder(parse(text));
  }
  const exhausted = mistakes.find((mistake) => mistake.code === "RESOURCE_EXHAUSTION");
  if (exhausted) return [toProblem(source, exhausted)];
  mistakes.filter(isOwn).every((mistake) => add(toProblem(source, mistake)));
  return [...byLine.values()];
}

const mostProblems = 20;

function inOrder(mistakes: readonly YamlMistake[]): YamlMistake[] {
  return [...mistakes].sort((a, b) => a.pos[0] - b.pos[0]);
}

/** Once the parser has left the document too early, it wonders about each word of the rest. */
function isOwn({ message }: YamlMistake, index: number): boolean {
  return index === 0 || !message.includes(" in YAML stream");
}

function toProblem(source: Source, { code, message, pos }: YamlMistake): Problem {
  const { text } = source;
  const start = firstInk(text, Math.min(pos[0], Math.max(0, text.length - 1)), code);
  const span = { source, start, end: Math.max(pos[1], start + 1) };
  if (isAtVariable(text, start) && opensFlow(text, start)) return syntaxProblem(span, ...variableInFlow);
  const quote = /^Missing closing (["'])/.exec(message)?.[1];
  if (quote) return unclosedQuote(source, start, quote);
  const bracket = /end with a ([\]}])$/.exec(message)?.[1];
  if (bracket)
    return syntaxProblem(
      span,
      `A "${bracket}" is missing, or a line before it is indented too little`,
      closeIt,
    );
  const [sentence, hint] = words[code] ?? [
    message,
    "See https://yaml.org/spec/1.2.2 for what is allowed here.",
  ];
  return syntaxProblem(span, sentence ?? message, hint);
}

/** Indentation is invisible: what stands behind it can be underlined. */
function firstInk(text: string, offset: number, code: string): number {
  if (code !== "BAD_INDENT") return offset;
  let at = offset;
  while (text[at] === " ") at++;
  return at < text.length && text[at] !== "\n" ? at : offset;
}

/** The parser sees it at the end of the file; what opened it is in the last line with an odd number of quotes. */
function unclosedQuote(source: Source, end: number, quote: string): Problem {
  const lines = source.text.slice(0, end + 1).split("\n");
  const odd = lines.findLastIndex((line) => line.split(quote).length % 2 === 0);
  const before = lines.slice(0, Math.max(0, odd)).reduce((length, line) => length + line.length + 1, 0);
  const start = odd === -1 ? end : before + (lines[odd] as string).indexOf(quote);
  return syntaxProblem({ source, start, end: start + 1 }, "A quote is not closed", closeIt);
}

const closeIt = "Close what was opened.";

/** Undefined as the sentence: the parser's own says more. */
const words: Readonly<Record<string, readonly [sentence: string | undefined, hint: string]>> = {
  TAB_AS_INDENT: ["A tab indents this line", "Indent with spaces: YAML forbids tabs there."],
  BAD_INDENT: [undefined, "Compare the indentation, and the brackets, with the lines above."],
  MULTILINE_IMPLICIT_KEY: ["A key has no value", 'Write "key: value", with a space behind the colon.'],
  BLOCK_AS_IMPLICIT_KEY: ['A second ": " in one value', "Put the value in quotes."],
  MULTIPLE_DOCS: ["A second document begins here", 'One file holds one document: remove the "---".'],
  BAD_DQ_ESCAPE: [undefined, "Use single quotes, in which a backslash is only a backslash."],
  BAD_SCALAR_START: [undefined, "Put the value in quotes."],
  TAG_RESOLVE_FAILED: [undefined, "Remove the tag: the schema knows the type of every key."],
  MISSING_CHAR: [undefined, closeIt],
  RESOURCE_EXHAUSTION: ["Values are nested too deeply", "Flatten the file."],
  UNEXPECTED_TOKEN: [undefined, "Check quotes, brackets and indentation just before this place."],
};

const variableInFlow = [
  "A variable inside { } or [ ] needs quotes",
  'Write it as "${NAME}": the braces of a bare one belong to YAML.',
] as const;

/** `{ port: ${PORT} }` is what everybody tries once. */
function isAtVariable(text: string, offset: number): boolean {
  return text[offset] === "{" && text[offset - 1] === "$";
}

/** Whether the line has opened what it stands in: behind another mistake that is less certain. */
function opensFlow(text: string, offset: number): boolean {
  return /[{[,][^"'#]*$/.test(text.slice(lineStart(text, offset), offset));
}

/** The same text, with a word of the same length for each variable of the line. */
function withoutVariables(text: string, offset: number): string {
  const start = lineStart(text, offset);
  const newline = text.indexOf("\n", offset);
  const end = newline === -1 ? text.length : newline;
  const line = text.slice(start, end).replace(variable, (found) => "_".repeat(found.length));
  return text.slice(0, start) + line + text.slice(end);
}

/** With one more in its default, closed or not. */
const variable = /\$\{(?:[^{}]|\{[^{}]*\})*\}?/g;

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}
