import type { Handler } from "../handler.ts";
import { logLine } from "../log-line.ts";
import { printLines } from "../print-lines.ts";

export const command: Handler<"logs"> = ({ positionals, options }, terminal) => {
  const services = positionals.map((name) => `&service=${encodeURIComponent(name)}`).join("");
  return printLines("/logs", services, options, terminal, logLine);
};
