/**
 * The first argument of the call whose parenthesis opens at `open`: the strings that it may be, or that it is computed;
 * undefined without an argument. `code` is what `codeOf` makes of `text`.
 */
export function argumentOf(
  text: string,
  code: string,
  open: number,
): { readonly specifiers: readonly string[] | undefined } | undefined {
  const from = open + 1;
  const to = endOfArgument(code, from);
  const argument = code.slice(from, to);
  if (argument.trim() === "") return undefined;
  const match = fixed.exec(argument) ?? chosen.exec(argument);
  if (!match?.indices) return { specifiers: undefined };
  const specifiers = match.indices
    .slice(1)
    .flatMap((range) => (range ? stringIn(text.slice(from + range[0], from + range[1])) : []));
  return { specifiers };
}

/** Whether `name(` is no call but a method or a function of that name: a body or a type follows its parentheses. */
export function isDeclaration(code: string, start: number, open: number): boolean {
  const next = /^\s*([{:])/.exec(code.slice(endOfCall(code, open) + 1))?.[1];
  if (next === undefined) return false;
  // In `a ? require(b) : c` an operator stands before it.
  return (
    next === "{" ||
    /(?:^|[{};,]|\b(?:async|get|set|static|public|private|protected|override|function)|\*)\s*$/.test(
      code.slice(0, start),
    )
  );
}

/** Strings that stay as they are, also when they are added; what stands in them is blank. */
const literal = `(?:"[^"]*"|'[^']*'|\`[^\`$]*\`)`;
const sum = String.raw`\(*\s*(${literal}(?:\s*\+\s*${literal})*)\s*\)*(?:\s+as\s+[\w.]+)?\)*`;
const fixed = new RegExp(String.raw`^\s*${sum}\s*$`, "d");
const chosen = new RegExp(String.raw`\?\s*${sum}\s*:\s*${sum}\s*$`, "d");

/** @example stringIn(`"./a" + ".ts"`) // "./a.ts" */
function stringIn(text: string): string {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|`([^`]*)`/g)].map(([, a, b, c]) => a ?? b ?? c).join("");
}

function endOfArgument(code: string, from: number): number {
  return walk(code, from, (char, depth) => depth === 0 && (char === "," || char === ")"));
}

function endOfCall(code: string, open: number): number {
  return walk(code, open + 1, (char, depth) => depth === 0 && char === ")");
}

/** The first place from `from` on that `isEnd`, by its character and how many brackets are open. */
function walk(code: string, from: number, isEnd: (char: string, depth: number) => boolean): number {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const char = code[at] as string;
    if (isEnd(char, depth)) return at;
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
  }
  return code.length;
}
