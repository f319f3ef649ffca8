/**
 * The code of a TypeScript or JavaScript file with blanks for its comments and for what stands in its strings, so
 * that words can be looked for. As long as `text`, with the same lines. Quotes stay.
 */
export function codeOf(text: string): string {
  const out = [...Array(text.length)].map((_, index) => text[index] as string);
  const blank = (from: number, to: number) => {
    for (let at = from; at < Math.min(to, out.length); at++) if (out[at] !== "\n") out[at] = " ";
  };
  /** For each open template: how many braces are open in its `${}`. */
  const templates: number[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    const pair = text.slice(at, at + 2);
    if (pair === "//" || (at === 0 && pair === "#!")) at = skip(at, endOf(text, "\n", at), blank);
    else if (pair === "/*") at = skip(at, endOf(text, "*/", at + 2) + 2, blank);
    else if (char === '"' || char === "'") at = quoted(text, at, char, blank);
    else if (char === "`") at = template(text, at + 1, templates, blank);
    else if (char === "/" && startsPattern(out, at)) at = pattern(text, at, blank);
    else {
      const depth = templates.at(-1);
      if (char === "{" && depth !== undefined) templates[templates.length - 1] = depth + 1;
      if (char === "}" && depth === 0) {
        templates.pop();
        at = template(text, at + 1, templates, blank);
        continue;
      }
      if (char === "}" && depth !== undefined) templates[templates.length - 1] = depth - 1;
      at++;
    }
  }
  return out.join("");
}

type Blank = (from: number, to: number) => void;

function skip(from: number, to: number, blank: Blank): number {
  blank(from, to);
  return to;
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

/** Ends at the line's end also without a closing quote: an apostrophe in JSX opens nothing. */
function quoted(text: string, start: number, quote: string, blank: Blank): number {
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  blank(start + 1, at);
  return at + 1;
}

/** From within a template to its end, or to the code of its next `${`. */
function template(text: string, start: number, templates: number[], blank: Blank): number {
  let at = start;
  while (at < text.length && text[at] !== "`") {
    if (text[at] === "$" && text[at + 1] === "{") {
      blank(start, at);
      templates.push(0);
      return at + 2;
    }
    at += text[at] === "\\" ? 2 : 1;
  }
  blank(start, at);
  return at + 1;
}

function pattern(text: string, start: number, blank: Blank): number {
  let at = start + 1;
  let inClass = false;
  while (at < text.length && text[at] !== "\n" && (inClass || text[at] !== "/")) {
    if (text[at] === "[") inClass = true;
    if (text[at] === "]") inClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  blank(start + 1, at);
  return at + 1;
}

/** A slash after a value divides; anywhere else it begins a regular expression. */
function startsPattern(out: readonly string[], slash: number): boolean {
  let at = slash - 1;
  while (at >= 0 && /\s/.test(out[at] as string)) at--;
  if (at < 0) return true;
  if (!/[\w$)\]"'`}]/.test(out[at] as string)) return true;
  const word = /\b(?:return|typeof|case|in|of|void|await|yield)$/.exec(
    out.slice(Math.max(0, at - 8), at + 1).join(""),
  );
  return word !== null;
}
