import { ExitCode } from "../../core/exit.ts";
import { parseCommand } from "../arguments.ts";
import type { Handler } from "../handler.ts";
import { commandHelp, generalHelp } from "../help.ts";

export const command: Handler<"help"> = ({ positionals }, terminal) => {
  const [word] = positionals;
  const { outColor } = terminal;
  terminal.out(word === undefined ? generalHelp(outColor) : commandHelp(parseCommand(word), outColor));
  return ExitCode.clean;
};
