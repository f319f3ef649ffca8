import type { CommandResult } from "../../core/command.ts";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";
import { errorIn, instanceOf, printError, waitQuery } from "../instance.ts";

export const command: Handler<"inject"> = async ({ positionals, options }, terminal) => {
  const [service = "", method = "", path = ""] = positionals;
  const { data, header = [], json } = options;
  if (!path.startsWith("/")) {
    const hint = 'Write it like "/health"; the service is named before it.';
    throw new SupervisorError("USAGE", `The path "${path}" does not begin with /`, hint);
  }
  const body = {
    service,
    method: method.toUpperCase(),
    path,
    headers: header.map(pairOf),
    ...(data === undefined ? {} : { body: data }),
  };
  const query = waitQuery(options);
  const client = await instanceOf(options, terminal);
  const answer = await client.ask("POST", `/inject${query}`, body);
  const error = errorIn(answer);
  if (error) {
    printError(error, terminal);
    return ExitCode.refused;
  }
  const { response } = answer.value as CommandResult;
  if (!response) return ExitCode.refused;
  const text = json ? JSON.stringify(response, undefined, 2) : response.body;
  terminal.out(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  if (response.status < 400) return ExitCode.clean;
  terminal.err(`supervisor: ${service} answered ${response.status}\n`);
  return ExitCode.refused;
};

/** @throws SupervisorError USAGE */
function pairOf(header: string): [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(header) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SupervisorError("USAGE", `"${header}" is no header`, "Write it as 'NAME: VALUE'.");
}
