import type { CommandSpec, OptionSpec } from "../command-spec.ts";
import { commandNames, commandsOf, commandTable, firstWords, isCommand, isGroup } from "../table.ts";
import { commandGroups } from "../table-queues.ts";

/** What may stand at a place of a command line. */
export type Completion =
  | { readonly tag: "words"; readonly words: readonly string[] }
  | { readonly tag: "files" }
  | { readonly tag: "services" }
  | { readonly tag: "nothing" };

export interface CompletedOption {
  /** `--name`, and `-n` where it has one. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What follows it; undefined: it takes no value. */
  readonly value: Completion | undefined;
}

export interface CompletedCommand {
  /** One word, or two: `queue ls`. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** A services.yaml may stand there. */
  readonly takesFile: boolean;
  readonly argument: Completion;
}

/** All commands, in the order of the help. */
export function completedCommands(): CompletedCommand[] {
  return commandNames.map((name) => {
    const spec: CommandSpec = commandTable[name];
    return {
      name,
      summary: spec.summary,
      options: Object.entries({ ...spec.options, help }).map(([option, each]) =>
        completedOption(option, each),
      ),
      takesFile: spec.positionals.includes("services.yaml"),
      argument: argumentOf(name, spec.positionals),
    };
  });
}

/** The first words, each with what it is for. */
export function completedWords(): { readonly word: string; readonly summary: string }[] {
  return firstWords.map((word) => ({
    word,
    summary: isCommand(word) ? commandTable[word].summary : isGroup(word) ? commandGroups[word] : "",
  }));
}

/** The second words of the groups. */
export function completedGroups(): { readonly group: string; readonly verbs: readonly string[] }[] {
  return firstWords.filter(isGroup).map((group) => ({
    group,
    verbs: commandsOf(group).map((name) => name.slice(group.length + 1)),
  }));
}

const help: OptionSpec = { type: "boolean", short: "h", summary: "Print help." };

function completedOption(
  name: string,
  { short, summary, type, value, choices }: OptionSpec,
): CompletedOption {
  const flags = [`--${name}`, ...(short ? [`-${short}`] : [])];
  if (type === "boolean") return { flags, summary, value: undefined };
  if (choices) return { flags, summary, value: { tag: "words", words: choices } };
  return { flags, summary, value: { tag: value === "FILE" || value === "PATH" ? "files" : "nothing" } };
}

function argumentOf(name: string, positionals: string): Completion {
  if (name === "help") return { tag: "words", words: firstWords };
  if (name === "completion") return { tag: "words", words: ["bash", "zsh", "fish"] };
  if (name === "init") return { tag: "files" };
  // A queue's names are known to its broker alone.
  const isService = /NAME|SERVICE/.test(positionals) && !name.startsWith("queue ");
  return { tag: isService ? "services" : "nothing" };
}
