import { columns } from "./columns.ts";
import type { CommandSpec } from "./command-spec.ts";
import type { CommandName } from "./table.ts";
import { commandsOf, commandTable, firstWords, isCommand, isGroup } from "./table.ts";
import type { CommandGroup } from "./table-queues.ts";
import { commandGroups } from "./table-queues.ts";
import { bold } from "./terminal.ts";

/** What `supervisor help` prints. */
export function generalHelp(color: boolean): string {
  const rows = firstWords.map((word) => [`  ${word}`, summaryOf(word)]);
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

/** What `supervisor queue --help` prints. */
export function groupHelp(group: CommandGroup, color: boolean): string {
  return lines(
    commandGroups[group],
    "",
    usageLine(`${group} COMMAND [ARGUMENTS]`, color),
    "",
    bold("Commands", color),
    ...columns(commandsOf(group).map((name) => [`  ${name}`, commandTable[name].summary])),
    "",
    bold("Examples", color),
    ...commandsOf(group).map((name) => `  ${commandTable[name].example}`),
    "",
    "They ask the supervisor that runs; when none does, they work on the brokers of services.yaml themselves.",
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

function summaryOf(word: string): string {
  if (isCommand(word)) return commandTable[word].summary;
  return isGroup(word) ? commandGroups[word] : "";
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
