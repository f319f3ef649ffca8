import type { Status } from "../../control/status.ts";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { matchNames } from "../../core/glob.ts";
import type { Handler } from "../handler.ts";
import { errorIn, instanceOf, printError } from "../instance.ts";
import { statusText } from "../status-text.ts";

const watchMs = 1_000;

export const command: Handler<"status"> = async ({ positionals, options }, terminal) => {
  const format = options.json ? "json" : (options.output ?? "table");
  const clear = options.watch && terminal.outColor ? "\u001b[H\u001b[2J" : "";
  for (;;) {
    const client = await instanceOf(options, terminal);
    const answer = await client.ask("GET", "/status");
    const error = errorIn(answer);
    if (error) {
      printError(error, terminal);
      return ExitCode.refused;
    }
    const status = selected(answer.value as Status, positionals);
    const text =
      format === "json"
        ? `${JSON.stringify(status, undefined, 2)}\n`
        : statusText(status, { wide: format === "wide", color: terminal.outColor, now: Date.now() });
    terminal.out(`${clear}${text}`);
    if (!options.watch) return ExitCode.clean;
    await new Promise((resolve) => setTimeout(resolve, watchMs));
  }
};

function selected(status: Status, patterns: readonly string[]): Status {
  if (patterns.length === 0) return status;
  const names = status.services.map((service) => service.name);
  const { matched, unmatched } = matchNames(patterns, names);
  if (unmatched[0] !== undefined) {
    const message = `No service has the name "${unmatched[0]}"`;
    throw new SupervisorError("USAGE", message, `Known services: ${names.join(", ")}.`);
  }
  const wanted = new Set(matched);
  return { ...status, services: status.services.filter((service) => wanted.has(service.name)) };
}
