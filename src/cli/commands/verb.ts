import { SupervisorError } from "../../core/errors.ts";
import type { Handler } from "../handler.ts";
import { instanceOf, waitQuery } from "../instance.ts";
import { printResult } from "../print-result.ts";

/** start, stop, restart, pause, resume. */
export const command: Handler<"start" | "stop" | "restart" | "pause" | "resume"> = async (
  { positionals, options },
  terminal,
  name,
) => {
  const file = positionals.find((word) => /\.ya?ml$/.test(word));
  if (file !== undefined) {
    const hint = name === "start" ? `Did you mean "supervisor run ${file}"?` : "It takes names of services.";
    throw new SupervisorError("USAGE", `"${file}" is a file, and ${name} is for services`, hint);
  }
  if (positionals.includes("")) {
    throw new SupervisorError("USAGE", "A name is empty", `Name what to ${name}, or "*" for all services.`);
  }
  const query = waitQuery(options);
  const client = await instanceOf(options, terminal);
  const answer = await client.ask("POST", `/services${query}`, { action: name, services: positionals });
  return printResult(answer, terminal, options.json ?? false, "nothing to do");
};
