import { untilGone } from "../../control/client.ts";
import type { Status } from "../../control/status.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";
import { errorIn, instanceOf, printError, waitQuery } from "../instance.ts";
import { printResult } from "../print-result.ts";

export const command: Handler<"shutdown"> = async ({ options }, terminal) => {
  const query = waitQuery(options, "10m");
  const client = await instanceOf(options, terminal);
  const status = await client.ask("GET", "/status");
  const refusal = errorIn(status);
  if (refusal) {
    printError(refusal, terminal);
    return ExitCode.refused;
  }
  const answer = await client.ask("POST", `/shutdown${query}`);
  // Stopped is not gone: whoever starts the next one needs the addresses.
  if (answer.status === 200) await untilGone((status.value as Status).pid);
  return printResult(answer, terminal, options.json ?? false, "stopped");
};
