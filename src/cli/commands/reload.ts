import type { Handler } from "../handler.ts";
import { instanceOf, waitQuery } from "../instance.ts";
import { printResult } from "../print-result.ts";

export const command: Handler<"reload"> = async ({ options }, terminal) => {
  const { "dry-run": dryRun = false, json = false } = options;
  const query = `${waitQuery(options)}&dry_run=${dryRun}`;
  const client = await instanceOf(options, terminal);
  return printResult(await client.ask("POST", `/reload${query}`), terminal, json, "nothing has changed");
};
