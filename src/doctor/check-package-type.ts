import { readFileSync } from "node:fs";
import type { Finding } from "./finding.ts";
import { nearestFile, readLooseJson } from "./nearest-file.ts";
import { positionIn } from "./source-file.ts";
import type { Subject } from "./subject.ts";

/** The package.json above each file, whether it says that its files are ES modules. */
export function checkPackageType({ sources }: Subject): Finding[] {
  const manifests = new Set<string>();
  for (const { file } of sources) {
    // The extension of these says it already.
    if (/\.[mc][jt]s$/.test(file)) continue;
    const manifest = nearestFile(file, "package.json");
    if (manifest !== undefined) manifests.add(manifest);
  }
  return [...manifests].flatMap((manifest) => findingOf(manifest));
}

function findingOf(manifest: string): Finding[] {
  const json = readLooseJson(manifest);
  if (!json || json.type === "module") return [];
  const text = readFileSync(manifest, "utf8");
  const written = /"type"\s*:\s*"[^"]*"/.exec(text);
  const brace = Math.max(0, text.indexOf("{"));
  return [
    {
      level: written ? "warn" : "info",
      code: "PACKAGE_TYPE",
      message: written
        ? `package.json says "type": "${String(json.type)}": Deno takes a module without import or export for CommonJS, where await at the top level fails`
        : 'package.json does not say "type": "module": Node and tsc take the modules below it for CommonJS',
      remedy: `Write "type": "module".`,
      position: positionIn({ file: manifest, text }, written?.index ?? brace, written?.[0].length ?? 1),
    },
  ];
}
