import process from "node:process";
import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { CommandName, CommandSpec, Invocation, OptionSpec } from "./table.ts";
import { commandNames, commandTable, isCommand } from "./table.ts";

/**
 * The command that a first word names.
 *
 * @throws SupervisorError USAGE with the nearest command
 */
export function parseCommand(word: string): CommandName {
  if (isCommand(word)) return word;
  if (/\.ya?ml$/.test(word)) {
    throw usage(`"${word}" is not a command`, `Did you mean "supervisor run ${word}"?`);
  }
  const what = word.startsWith("-") ? "option" : "command";
  const near = what === "command" ? nearest(word, commandNames) : undefined;
  const hint = near ? `Did you mean "${near}"?` : `Commands: ${commandNames.join(", ")}`;
  throw usage(`unknown ${what} "${word}"`, hint);
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
  if (positionals.length > spec.most) {
    const surplus = positionals[spec.most];
    throw usage(
      `"${surplus}" is one argument too many for ${name}`,
      `It takes ${spec.positionals || "none"}.`,
    );
  }
  if (positionals.length < (spec.least ?? 0)) {
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
  const near = nearest(name, names);
  return near ? `Did you mean "--${near}"?` : `Options: ${names.map((known) => `--${known}`).join(", ")}`;
}

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}
