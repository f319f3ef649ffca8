import process from "node:process";
import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { CommandSpec, OptionSpec } from "./command-spec.ts";
import type { CommandName, Invocation } from "./table.ts";
import { commandsOf, commandTable, firstWords, isCommand, isGroup } from "./table.ts";
import type { CommandGroup } from "./table-queues.ts";

/** What the words of a command line begin with: a command with its arguments, or nothing but the name of a group. */
export type Asked =
  | { readonly name: CommandName; readonly args: readonly string[] }
  | { readonly group: CommandGroup; readonly help: boolean };

/**
 * The command that the first words name.
 *
 * @throws SupervisorError USAGE with the nearest command
 */
export function parseCommand(words: readonly string[]): Asked {
  const [first = "", second, ...others] = words;
  if (isGroup(first)) {
    if (second === undefined) return { group: first, help: false };
    if (second === "--help" || second === "-h") return { group: first, help: true };
    const name = `${first} ${second}`;
    if (isCommand(name)) return { name, args: others };
    throw unknownIn(first, second);
  }
  if (isCommand(first)) return { name: first, args: words.slice(1) };
  if (/\.ya?ml$/.test(first)) {
    throw usage(`"${first}" is not a command`, `Did you mean "supervisor run ${first}"?`);
  }
  const what = first.startsWith("-") ? "option" : "command";
  const near = what === "command" ? nearest(first, firstWords) : undefined;
  const hint = near ? `Did you mean "${near}"?` : `Commands: ${firstWords.join(", ")}`;
  throw usage(`unknown ${what} "${first}"`, hint);
}

function unknownIn(group: CommandGroup, word: string): SupervisorError {
  const verbs = commandsOf(group).map((name) => name.slice(group.length + 1));
  const near = nearest(word, verbs);
  const hint = near ? `Did you mean "${group} ${near}"?` : `Commands: ${commandsOf(group).join(", ")}`;
  return usage(`unknown command "${group} ${word}"`, hint);
}

/** `help` when the arguments ask for it, else what they say. @throws SupervisorError USAGE */
export function parseArguments<Name extends CommandName>(
  name: Name,
  args: readonly string[],
): Invocation<Name> | "help" {
  const spec: CommandSpec = commandTable[name];
  const given: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  for (const token of tokensOf(args, spec)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind === "option") {
      const value = optionValue(name, withHelp(spec), token);
      const isMultiple = spec.options[token.name]?.multiple && typeof value === "string";
      given[token.name] = isMultiple
        ? [...((given[token.name] as string[] | undefined) ?? []), value]
        : value;
    }
  }
  if (given.help) return "help";
  if (given.output === "json" && spec.options.json) given.json = true;
  if (positionals.length > spec.most) {
    const surplus = positionals[spec.most];
    throw usage(
      `"${surplus}" is one argument too many for ${name}`,
      `It takes ${spec.positionals || "none"}.`,
    );
  }
  const needed = positionals.slice(0, spec.least ?? 0);
  // What is empty comes of a variable of the shell that was not set, and names nothing.
  if (needed.length < (spec.least ?? 0) || needed.includes("")) {
    throw usage(`${name} needs ${spec.positionals}`, `For example: ${spec.example}`);
  }
  return { positionals, options: given as Invocation<Name>["options"] };
}

type Token =
  | { readonly kind: "positional"; readonly value: string }
  | (OptionToken & { readonly kind: "option" })
  | { readonly kind: "option-terminator" };

function tokensOf(args: readonly string[], spec: CommandSpec): readonly Token[] {
  if (!args.some((arg) => arg.startsWith("-"))) return args.map((value) => ({ kind: "positional", value }));
  // Loaded only for options: that takes longer than all else before services.yaml is read.
  const { parseArgs } = process.getBuiltinModule("node:util");
  const config = Object.entries(withHelp(spec)).map(([key, { type, short }]) => [
    key,
    short ? { type, short } : { type },
  ]);
  const options = { ...Object.fromEntries(config), help: { type: "boolean", short: "h" } } as const;
  // Not strict: the messages of parseArgs differ between runtimes and know no nearest option.
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

function withHelp(spec: CommandSpec): Record<string, OptionSpec> {
  return { ...spec.options, help: { type: "boolean", summary: "" } };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function optionValue(
  command: string,
  options: Record<string, OptionSpec>,
  token: OptionToken,
): string | boolean {
  const { rawName, value } = token;
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (!option) throw usage(`unknown option "${rawName}" for ${command}`, nearestOption(token.name, options));
  if (option.type === "boolean") {
    if (value === undefined) return true;
    throw usage(`${rawName} takes no value`, `Write ${rawName} alone.`);
  }
  const missing = value === undefined || value === "" || (!token.inlineValue && value.startsWith("-"));
  if (missing) throw usage(`${rawName} needs a value`, `Write ${rawName} ${option.value}.`);
  if (option.choices && !option.choices.includes(value)) {
    const near = nearest(value, option.choices);
    const hint = near ? `Did you mean "${near}"?` : `Known: ${option.choices.join(", ")}`;
    throw usage(`${rawName} cannot be "${value}"`, hint);
  }
  return value;
}

function nearestOption(name: string, options: Record<string, OptionSpec>): string {
  const names = Object.keys(options);
  const near = nearest(name, names) ?? names.find((known) => known.startsWith(name));
  return near ? `Did you mean "--${near}"?` : `Options: ${names.map((known) => `--${known}`).join(", ")}`;
}

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}
