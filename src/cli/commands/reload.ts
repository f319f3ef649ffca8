import { sealed } from "../../core/sealed.ts";
import type { Handler } from "../handler.ts";
import { instanceOf, waitQuery } from "../instance.ts";
import { printResult } from "../print-result.ts";

export const command: Handler<"reload"> = async ({ options }, terminal) => {
  const { "dry-run": dryRun = false, json = false } = options;
  const query = `${waitQuery(options)}&dry_run=${dryRun}`;
  const client = await instanceOf(options, terminal);
  return printResult(await client.ask("POST", `/reload${query}`), terminal, json, unchanged());
};

/** What a sealed executable can read anew is what lies outside of it, credentials for one. */
function unchanged(): string {
  const inside = sealed();
  return inside
    ? `nothing has changed; ${inside.file} is inside this executable: to change it, build a new one`
    : "nothing has changed";
}
