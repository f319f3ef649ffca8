import { columns } from "./columns.ts";
import type { CommandName, CommandSpec } from "./table.ts";
import { commandNames, commandTable } from "./table.ts";
import { bold } from "./terminal.ts";

/** What `supervisor help` prints. */
export function generalHelp(color: boolean): string {
  const rows = commandNames.map((name) => [`  ${name}`, commandTable[name].summary]);
  return lines(
    "supervisor: many TypeScript services in one process, from one services.yaml.",
    "",
    usageLine("COMMAND [ARGUMENTS]", color),
    "",
    bold("Commands", color),
    ...columns(rows),
    "",
    `Without a file, a command reads services.yaml in the working directory.`,
    `"supervisor help COMMAND" tells more, with an example.`,
  );
}

/** What `supervisor COMMAND --help` prints. */
export function commandHelp(name: CommandName, color: boolean): string {
  const spec: CommandSpec = commandTable[name];
  const options = [
    ...Object.entries(spec.options).map(([option, { short, value, summary }]) => [
      `  ${short ? `-${short}, ` : ""}--${option}${value ? ` ${value}` : ""}`,
      summary,
    ]),
    ["  -h, --help", "Print this."],
  ];
  return lines(
    spec.summary,
    "",
    usageLine(commandUsage(name), color),
    "",
    bold("Options", color),
    ...columns(options),
    "",
    bold("Example", color),
    `  ${spec.example}`,
  );
}

/** Printed below a usage error; `name` is the command that was meant, when that is known. */
export function shortUsage(name: CommandName | undefined): string {
  const usage = name ? commandUsage(name) : "COMMAND [ARGUMENTS]";
  const more = name && name !== "help" ? `supervisor help ${name}` : "supervisor help";
  return lines(usageLine(usage, false), `More: ${more}`);
}

function commandUsage(name: CommandName): string {
  const spec: CommandSpec = commandTable[name];
  const options = Object.entries(spec.options).map(
    ([option, { value }]) => `[--${option}${value ? ` ${value}` : ""}]`,
  );
  return [name, spec.positionals, ...options].filter(Boolean).join(" ");
}

function usageLine(rest: string, color: boolean): string {
  return `${bold("Usage:", color)} supervisor ${rest}`;
}

function lines(...all: string[]): string {
  return `${all.join("\n")}\n`;
}
