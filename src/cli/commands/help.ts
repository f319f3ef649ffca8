import { ExitCode } from "../../core/exit.ts";
import type { Asked } from "../arguments.ts";
import { parseCommand } from "../arguments.ts";
import type { Handler } from "../handler.ts";
import { commandHelp, generalHelp, groupHelp } from "../help.ts";

export const command: Handler<"help"> = ({ positionals }, terminal) => {
  const { outColor } = terminal;
  terminal.out(
    positionals.length === 0 ? generalHelp(outColor) : helpOf(parseCommand(positionals), outColor),
  );
  return ExitCode.clean;
};

function helpOf(asked: Asked, color: boolean): string {
  return "group" in asked ? groupHelp(asked.group, color) : commandHelp(asked.name, color);
}
