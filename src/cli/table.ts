/** One `--option` of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** What a string option's value is called in the help. */
  readonly value?: string;
  /** The only values that a string option takes. */
  readonly choices?: readonly string[];
  readonly summary: string;
}

export interface CommandSpec {
  readonly summary: string;
  /** The positional arguments, as the help shows them. */
  readonly positionals: string;
  /** How many positional arguments there may be. */
  readonly most: number;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly example: string;
}

const env = { type: "string", value: "NAME", summary: "Merge services.NAME.yaml over the file." } as const;
const json = { type: "boolean", summary: "Print JSON instead of text." } as const;
const target = "[services.yaml] [NAME…]";

/** Every command, in the order of the help. Arguments, help and the types of the handlers derive from it. */
export const commandTable = {
  run: {
    summary: "Start the services and keep them running until SIGTERM or Ctrl-C.",
    positionals: target,
    most: Infinity,
    options: {
      env,
      watch: { type: "boolean", summary: "Replace services whose files are saved." },
      "stop-report": { type: "string", value: "FILE", summary: "Write the stop report there, as JSON." },
    },
    example: "supervisor run services.yaml --env prod",
  },
  check: {
    summary: "Load the file and every module and report all problems, without starting anything.",
    positionals: target,
    most: Infinity,
    options: { env, json },
    example: "supervisor check services.yaml",
  },
  plan: {
    summary: "Print in which order services start and stop, and the deadline of each.",
    positionals: target,
    most: Infinity,
    options: { env, json },
    example: "supervisor plan services.yaml",
  },
  graph: {
    summary: "Print which service depends on which.",
    positionals: target,
    most: Infinity,
    options: {
      env,
      format: {
        type: "string",
        value: "FORMAT",
        choices: ["text", "mermaid", "dot"],
        summary: "text (default), mermaid or dot.",
      },
    },
    example: "supervisor graph --format dot | dot -Tsvg > services.svg",
  },
  schema: {
    summary: "Print the JSON Schema of services.yaml, for editors.",
    positionals: "",
    most: 0,
    options: {},
    example: "supervisor schema > services.schema.json",
  },
  init: {
    summary: "Write a project that runs at once, with nothing to install.",
    positionals: "[DIR]",
    most: 1,
    options: {
      template: {
        type: "string",
        value: "NAME",
        choices: ["http"],
        summary: "What to write: http (default).",
      },
    },
    example: "supervisor init hello",
  },
  version: {
    summary: "Print the version, its commit and the runtime.",
    positionals: "",
    most: 0,
    options: { json },
    example: "supervisor version --json",
  },
  help: {
    summary: "Print this, or what a command does.",
    positionals: "[COMMAND]",
    most: 1,
    options: {},
    example: "supervisor help run",
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof commandTable;
export const commandNames = Object.keys(commandTable) as CommandName[];

/** The typed value of every option that was given. */
export type OptionValues<Options extends Readonly<Record<string, OptionSpec>>> = {
  readonly [Name in keyof Options]?: OptionValue<Options[Name]>;
};
type OptionValue<Option> = Option extends { type: "boolean" }
  ? boolean
  : Option extends { choices: readonly (infer Choice)[] }
    ? Choice
    : string;

/** A command line that fits the table. */
export interface Invocation<Name extends CommandName> {
  readonly positionals: readonly string[];
  readonly options: OptionValues<(typeof commandTable)[Name]["options"]>;
}

/** @example isCommand("run") // true */
export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(commandTable, word);
}
