/**
 * Where `text` nests about `most` levels deep, never less; undefined: nowhere. It reads no more of YAML than that takes, in linear
 * time: the full parser's grows with the square of the depth, so that 2,000 open brackets hold it for ten seconds.
 */
export function tooDeepAt(text: string, most: number): number | undefined {
  /** The columns of the block collections that are open. */
  const columns: number[] = [];
  let flow = 0;
  let lineStart = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === newline) {
      lineStart = ++at;
    } else if (code === space || code === tab) {
      at++;
    } else if (code === hash && (at === lineStart || isBlank(text.charCodeAt(at - 1)))) {
      at = endOfLine(text, at);
    } else if (flow > 0) {
      at = readFlow(code);
    } else {
      readBlock(code);
    }
    if (columns.length + flow > most) return at - 1;
  }
  return undefined;

  /** Stands at a token of a block: what begins here, and where the next token does. */
  function readBlock(code: number): void {
    const column = at - lineStart;
    while ((columns.at(-1) ?? -1) >= column) columns.pop();
    if (code === openBracket || code === openBrace) {
      flow++;
      at++;
    } else if (code === pipe || code === greater) {
      at = afterBlockScalar(text, at, columns.at(-1) ?? -1);
      lineStart = at;
    } else if (code === anchor || code === bang) {
      while (!isBlank(text.charCodeAt(at))) at++;
    } else {
      columns.push(column);
      at = afterToken(code);
    }
  }

  function afterToken(code: number): number {
    if ((code === dash || code === question) && isBlank(text.charCodeAt(at + 1))) return at + 1;
    const isQuoted = code === doubleQuote || code === singleQuote;
    return afterKey(text, isQuoted ? afterQuoted(text, at) : at);
  }

  function readFlow(code: number): number {
    if (code === openBracket || code === openBrace) flow++;
    else if (code === closeBracket || code === closeBrace) flow--;
    else if ((code === doubleQuote || code === singleQuote) && opensValue(text, at))
      return afterQuoted(text, at);
    return at + 1;
  }
}

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const bang = 0x21;
const doubleQuote = 0x22;
const hash = 0x23;
const anchor = 0x26;
const singleQuote = 0x27;
const dash = 0x2d;
const greater = 0x3e;
const question = 0x3f;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const pipe = 0x7c;
const closeBrace = 0x7d;

function isBlank(code: number): boolean {
  return code === space || code === tab || code === newline || Number.isNaN(code);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** Behind the colon of a key in this line, or, of a scalar, behind the line. */
function afterKey(text: string, from: number): number {
  const end = endOfLine(text, from);
  const colon = /:(?=\s|$)|\s#/.exec(text.slice(from, end));
  return colon && colon[0] === ":" ? from + colon.index + 1 : end;
}

function afterQuoted(text: string, from: number): number {
  const quote = text.charAt(from);
  for (let at = from + 1; at < text.length; at++) {
    if (quote === '"' && text.charAt(at) === "\\") at++;
    else if (text.charAt(at) === quote) return at + 1;
  }
  return text.length;
}

/** Text in the lines below, as long as they are indented more than what it belongs to. */
function afterBlockScalar(text: string, from: number, column: number): number {
  let at = Math.min(endOfLine(text, from) + 1, text.length);
  while (at < text.length) {
    const end = endOfLine(text, at);
    const ink = text.slice(at, end).search(/\S/);
    if (ink !== -1 && ink <= column) return at;
    at = Math.min(end + 1, text.length);
  }
  return at;
}

function opensValue(text: string, at: number): boolean {
  let before = at - 1;
  while (isBlank(text.charCodeAt(before)) && before >= 0) before--;
  return "[{,:?".includes(text.charAt(before));
}
