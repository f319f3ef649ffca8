/** One `--option` of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** Its one letter: `-f`. */
  readonly short?: string;
  /** It may be given more than once; its value is a list. */
  readonly multiple?: true;
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
  /** How many there must be. @default 0 */
  readonly least?: number;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly example: string;
}

export const env = {
  type: "string",
  value: "NAME",
  summary: "Merge services.NAME.yaml over the file.",
} as const;
export const json = { type: "boolean", summary: "Print JSON instead of text." } as const;

/** The same in two spellings: what prints JSON takes both. */
export const asJson = {
  json,
  output: {
    type: "string",
    short: "o",
    value: "FORMAT",
    choices: ["text", "json"],
    summary: "text (default), or json: the same as --json.",
  },
} as const;

/** How a command finds the supervisor that it talks to. */
export const instance = {
  name: { type: "string", value: "NAME", summary: "The supervisor of this name." },
  socket: { type: "string", value: "PATH", summary: "The supervisor with this control socket." },
  "pid-file": { type: "string", value: "PATH", summary: "The supervisor with this pid file." },
} as const;
