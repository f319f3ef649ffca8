/** What a plain scalar means in YAML 1.2's core schema; text when it is none of the special forms. */
export function plainValue(text: string): string | number | boolean | null {
  if (text.length < 6) {
    const value = special.get(text);
    if (value !== undefined) return value;
  }
  const first = text.charCodeAt(0);
  // Digits, sign or point: everything else is text, which is nearly everything.
  if (!((first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e)) return text;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:e[-+]?\d+)?$/i.test(text)) return Number(text);
  if (/^0o[0-7]+$|^0x[\da-f]+$/i.test(text)) return Number(text);
  if (/^[-+]?\.inf$/i.test(text)) return first === 0x2d ? -Infinity : Infinity;
  return /^\.nan$/i.test(text) ? Number.NaN : text;
}

const special: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);
