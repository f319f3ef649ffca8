import type { Handler } from "../handler.ts";
import { instanceOf } from "../instance.ts";
import { printResult } from "../print-result.ts";

export const command: Handler<"diff"> = async ({ options }, terminal) => {
  const client = await instanceOf(options, terminal);
  return printResult(
    await client.ask("GET", "/diff"),
    terminal,
    options.json ?? false,
    "a reload would change nothing",
  );
};
