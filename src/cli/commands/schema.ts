import { jsonSchema } from "../../config/json-schema.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";

export const command: Handler<"schema"> = (_invocation, terminal) => {
  terminal.out(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  return ExitCode.clean;
};
