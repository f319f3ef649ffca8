import { SupervisorError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * That a module does not export what services.yaml names, and what it exports instead; `usable` are those that could be a
 * service.
 */
export function missingExport(
  module: string,
  name: string,
  found: readonly string[],
  usable = found,
): SupervisorError {
  const has = found.length === 0 ? "it exports nothing" : `it exports ${found.join(", ")}`;
  return new SupervisorError(
    "NOT_A_SERVICE",
    `${module} has no ${name === "default" ? "default export" : `export named "${name}"`}: ${has}`,
    hintFor(name, usable),
  );
}

function hintFor(name: string, usable: readonly string[]): string {
  const near = name === "default" ? undefined : nearest(name, usable);
  if (near !== undefined) return `Did you mean "export: ${near}"?`;
  if (usable.length === 1) return `Set export: ${usable[0]}, or write "export default …" in the module.`;
  const others = usable.length > 0 ? `, or set export: to one of ${usable.join(", ")}` : "";
  return `Write "export default …" in the module${others}.`;
}
