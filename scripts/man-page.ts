import manifest from "../package.json" with { type: "json" };
import type { CommandSpec } from "../src/cli/command-spec.ts";
import { commandNames, commandTable } from "../src/cli/table.ts";

/** docs/supervisor.1: the manual, for `man`. */
export function manPage(): string {
  return [
    '.\\" Made from src/cli/table.ts by "npm run docs".',
    // Without a date: what is made from the same code is the same.
    `.TH SUPERVISOR 1 "" "supervisor ${manifest.version}" "User Commands"`,
    ".SH NAME",
    "supervisor \\- many TypeScript services in one process, from one services.yaml",
    ".SH SYNOPSIS",
    ".B supervisor",
    "\\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
    ".SH DESCRIPTION",
    "Starts the services of a \\fIservices.yaml\\fR together, in one process, and stops them in reverse order within one",
    "budget.",
    "Without a file, a command reads \\fIservices.yaml\\fR in the working directory.",
    ".SH COMMANDS",
    ...commandNames.flatMap((name) => commandLines(name, commandTable[name])),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, means]) => [".TP", `.B ${code}`, roff(means)]),
    ".SH ENVIRONMENT",
    ...variables.flatMap(([name, means]) => [".TP", `.B ${name}`, roff(means)]),
    ".SH FILES",
    ".TP",
    ".I services.yaml",
    "What there is to run.",
    ".TP",
    ".I services.NAME.yaml",
    "What is merged over it by",
    '.BR "\\-\\-env NAME" .',
    "",
  ].join("\n");
}

function commandLines(name: string, spec: CommandSpec): string[] {
  const usage = spec.positionals === "" ? "" : ` \\fI${roff(spec.positionals)}\\fR`;
  return [
    `.SS ${roff(name)}${usage}`,
    roff(spec.summary),
    ...Object.entries(spec.options).flatMap(([option, { short, value, summary }]) => [
      ".TP",
      `${short ? `\\fB\\-${short}\\fR, ` : ""}\\fB\\-\\-${roff(option)}\\fR${value ? ` \\fI${roff(value)}\\fR` : ""}`,
      roff(summary),
    ]),
    ".PP",
    "Example:",
    ".PP",
    ".nf",
    `.RS`,
    roff(spec.example),
    ".RE",
    ".fi",
  ];
}

const exitCodes = [
  ["0", "Everything ended in order, also after SIGTERM or Ctrl-C."],
  ["1", "A running supervisor could not do what a command asked for; not healthy."],
  ["3", "There is no running supervisor to talk to."],
  ["64", "The command line is wrong."],
  [
    "70",
    "A critical service or all of them failed for good, an address could not be bound, or a broker does not answer.",
  ],
  ["75", "A deadline ran out, and something was cut off."],
  ["78", "services.yaml or a module is wrong, and nothing has started; or a broker refuses for good."],
  ["130, 143", "A second Ctrl-C or SIGTERM ended it at once."],
] as const;

const variables = [
  ["NO_COLOR, FORCE_COLOR", "Whether to print colors; otherwise only on a terminal."],
  ["XDG_RUNTIME_DIR, RUNTIME_DIRECTORY", "Where the control socket is."],
  ["CREDENTIALS_DIRECTORY", "Where ${credential:NAME} of services.yaml is read from."],
] as const;

/** Text in which nothing is a command of roff, and hyphens can be copied. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/, "\\&$1");
}
