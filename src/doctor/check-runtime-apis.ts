import type { Finding } from "./finding.ts";
import type { SourceFile } from "./source-file.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";

/** What only one runtime has, the first of each kind in a file: its global, and the specifiers that only it resolves. */
export function checkRuntimeApis({ sources, runtime }: Subject): Finding[] {
  return sources.flatMap((source) => [
    ...globalsIn(source),
    ...source.imports.flatMap(({ specifier, offset, typeOnly }) => {
      const owner = typeOnly ? undefined : ownerOf(specifier);
      if (owner === undefined) return [];
      return finding(
        owner === runtime ? "warn" : "error",
        `"${specifier}" can only be imported on ${names[owner]}`,
        positionIn(source, offset, specifier.length),
      );
    }),
  ]);
}

function globalsIn(source: SourceFile): Finding[] {
  if (asks.test(source.code)) return [];
  return (["bun", "deno"] as const).flatMap((owner) => {
    const word = names[owner];
    const match = new RegExp(`(?<![.\\w$])${word}\\.\\w+`).exec(source.code);
    if (!match) return [];
    const at = positionIn(source, match.index, match[0].length);
    return [finding("warn", `"${match[0]}" exists on ${word} only`, at)];
  });
}

/** A file that asks where it runs knows about both; in `"Bun" in globalThis` the code has a blank for the word. */
const asks =
  /\btypeof\s+(?:Bun|Deno)\b|\bglobalThis\.(?:Bun|Deno)\b|(["'`]) *\1\s+in\s+globalThis\b|\bprocess\.versions\.(?:bun|deno)\b/;

const names = { bun: "Bun", deno: "Deno" } as const;

function ownerOf(specifier: string): "bun" | "deno" | undefined {
  if (/^bun(:|$)/.test(specifier)) return "bun";
  return /^(npm|jsr|https?):/.test(specifier) ? "deno" : undefined;
}

function finding(level: Finding["level"], message: string, position: ReturnType<typeof positionIn>): Finding {
  const remedy = 'Use what both have: the modules "node:…", fetch, and the web\'s own classes.';
  return { level, code: "RUNTIME_API", message, remedy, position };
}
