import type { Field } from "./fields.ts";

/**
 * What a field takes, as the end of a sentence.
 *
 * @example expected(port) // "a whole number from 0 to 65535"
 */
export function expected(field: Field): string {
  switch (field.kind) {
    case "string":
      return field.rule ?? "text";
    case "text":
      return "text, a number, true or false";
    case "bool":
      return "true or false";
    case "false":
      return "false";
    case "number":
      return numberIn(field.min, field.max, field.whole);
    case "duration":
      return `a duration such as ${field.example}`;
    case "size":
      return `a size such as ${field.example}`;
    case "path":
      return "a path";
    case "address":
      return "an address such as 127.0.0.1:6060, unix:./admin.sock or systemd:admin";
    case "enum":
      return anyOf(field.values);
    case "any":
      return "anything";
    case "list":
      return "a list of names";
    case "map":
    case "object":
      return "a mapping";
    case "union": {
      const ways = [...field.scalars, field.list, field.map].filter((way) => way !== undefined);
      return anyOf(ways.flatMap((way) => (way.kind === "enum" ? way.values : [expected(way)])));
    }
  }
}

function numberIn(min: number, max: number, whole: boolean): string {
  const kind = whole ? "a whole number" : "a number";
  return max >= 1_000_000 ? `${kind}, at least ${min}` : `${kind} from ${min} to ${max}`;
}

function anyOf(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
