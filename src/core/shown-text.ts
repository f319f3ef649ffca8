/**
 * Text of somebody else as it may go to a terminal: control characters are told instead of obeyed, except line feeds
 * and tabs. With `color` colors stay, and end with the text.
 *
 * @example shownText("a\u001b[2Jb") // "a\\u001b[2Jb"
 */
export function shownText(text: string, color = false): string {
  if (!controls.test(text)) return text;
  let painted = false;
  const shown = text.replace(controlsOrColor, (match) => {
    if (match === "\r\n") return "\n";
    if (match.length === 1 || !color) return `${told(match)}${match.slice(1)}`;
    painted = true;
    return match;
  });
  return painted ? `${shown}\u001b[0m` : shown;
}

/**
 * The same where one line is to stay one, as in a cell of a table: line feeds and tabs are told, too.
 *
 * @example shownLine("a\nb") // "a\\nb"
 */
export function shownLine(text: string): string {
  return shownText(text.replace(/[\r\n\t]/g, (char) => lineControls[char] as string));
}

const lineControls: Readonly<Record<string, string>> = { "\r": "\\r", "\n": "\\n", "\t": "\\t" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlsOrColor = /\x1b\[[\d;]{0,20}m|\r\n|[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

function told(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
