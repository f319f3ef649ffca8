import { nearest } from "../core/nearest.ts";

/** What is wrong behind the `?` of a broker's URL, as a part of a sentence, and what to do. */
export interface OptionFault {
  readonly wrong: string;
  readonly hint: string;
}

/**
 * The first option of `query` that is misspelt, has a value that nobody knows, or would do nothing; undefined: there is
 * none. Values of redis: are not shown: one of them is a password.
 */
export function optionFault(scheme: string, query: string): OptionFault | undefined {
  const known = optionsOf(scheme);
  for (const [name, value] of new URLSearchParams(query)) {
    const values = known[name];
    if (values === undefined) return unknownOption(scheme, name, Object.keys(known));
    if (values === "any" ? value !== "" : values.includes(value)) continue;
    return {
      wrong: values === "any" ? `has no value for ${name}` : `has ${name}=${value}`,
      hint: values === "any" ? `Write ${name}=… or nothing.` : `It is ${values.join(" or ")}.`,
    };
  }
  return undefined;
}

type Options = Readonly<Record<string, readonly string[] | "any" | undefined>>;

function optionsOf(scheme: string): Options {
  if (scheme === "sqlite") return { synchronous: ["full", "normal"] };
  return {
    ...(scheme.startsWith("rediss") ? { ca: "any" } : {}),
    ...(scheme.endsWith("+sentinel") ? { sentinel_password: "any" } : {}),
  };
}

function unknownOption(scheme: string, name: string, known: readonly string[]): OptionFault {
  const wrong = `has an option that does nothing for ${scheme}: ${name}`;
  const near = nearest(name, known);
  if (near) return { wrong, hint: `Did you mean "${near}"?` };
  return { wrong, hint: known.length > 0 ? `Known here: ${known.join(", ")}.` : "Remove it." };
}
