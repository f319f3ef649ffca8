import { existsSync } from "node:fs";
import { sealed } from "../core/sealed.ts";
import { loadSource } from "./load-source.ts";
import type { Source } from "./node.ts";
import { entryOf } from "./node.ts";
import { nameOfFolder } from "./plan-parts.ts";
import type { VariableSource } from "./variables.ts";
import { expandVariables } from "./variables.ts";
import { readYaml } from "./yaml.ts";

/**
 * What the supervisor of a services.yaml is called, however wrong the rest of the file is by now; undefined when
 * there is no such file.
 */
export async function readName(
  file: string,
  variables: VariableSource["variables"],
): Promise<string | undefined> {
  if (!sealed() && !existsSync(file)) return undefined;
  const loaded = loadSource(file);
  if ("problem" in loaded) return undefined;
  const written = await nameIn(loaded.source);
  const name = written && expandVariables(written, { variables, secrets: new Set() }, () => {});
  return name ? name.text : nameOfFolder(loaded.source.file);
}

async function nameIn(source: Source): Promise<string | undefined> {
  const { root } = await readYaml(source);
  // The file is being edited, and is not YAML for the moment.
  if (!root) return /^name:[ \t]*["']?([a-z0-9-]+)/m.exec(source.text)?.[1];
  const value = root.tag === "map" ? entryOf(root, "name")?.value : undefined;
  return value?.tag === "scalar" ? value.text : undefined;
}
