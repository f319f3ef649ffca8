import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readLooseJson } from "./nearest-file.ts";

/** The folder of an installed package, as a file of the user sees it; undefined when it is not installed. */
export function packageFolder(from: string, name: string): string | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

/** What an installed package needs to run. */
export function dependenciesOf(folder: string): string[] {
  const manifest = readLooseJson(join(folder, "package.json"));
  return ["dependencies", "optionalDependencies"].flatMap((key) => Object.keys(Object(manifest?.[key])));
}
