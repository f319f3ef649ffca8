import { SupervisorError } from "./errors.ts";

/** That a module does not export what services.yaml names, and what it exports instead. */
export function missingExport(module: string, name: string, found: readonly string[]): SupervisorError {
  const has = found.length === 0 ? "it exports nothing" : `it exports ${found.join(", ")}`;
  return new SupervisorError(
    "NOT_A_SERVICE",
    `${module} has no ${name === "default" ? "default export" : `export named "${name}"`}: ${has}`,
    found.length === 1
      ? `Set export: ${found[0]}, or write "export default …" in the module.`
      : `Write "export default …" in the module, or name one of its exports with export:.`,
  );
}
