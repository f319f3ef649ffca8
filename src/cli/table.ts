import type { CommandSpec, OptionSpec } from "./command-spec.ts";
import { asJson, env, instance, json } from "./command-spec.ts";
import type { CommandGroup } from "./table-queues.ts";
import { commandGroups, queueCommands } from "./table-queues.ts";

const target = "[services.yaml] [NAME…]";

const waiting = {
  wait: { type: "boolean", summary: "Wait until it is done (default)." },
  "no-wait": { type: "boolean", summary: "Do not wait until it is done." },
  timeout: { type: "string", value: "DURATION", summary: "Wait no longer than this (default 60s)." },
} as const;
const verb = {
  positionals: "NAME…",
  least: 1,
  most: Infinity,
  options: { ...instance, ...waiting, ...asJson },
} as const;

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
    options: { env, ...asJson },
    example: "supervisor check services.yaml",
  },
  doctor: {
    summary:
      "Look for what will not work here, or elsewhere: imports, packages, ports, permissions, time limits.",
    positionals: target,
    most: Infinity,
    options: { env, ...asJson },
    example: "supervisor doctor services.yaml",
  },
  plan: {
    summary: "Print in which order services start and stop, and the deadline of each.",
    positionals: target,
    most: Infinity,
    options: { env, ...asJson },
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
  status: {
    summary: "Print what a running supervisor does; exit 3 when there is none.",
    positionals: "[NAME…]",
    most: Infinity,
    options: {
      output: {
        type: "string",
        short: "o",
        value: "FORMAT",
        choices: ["table", "wide", "json"],
        summary: "table (default), wide or json.",
      },
      json,
      watch: { type: "boolean", short: "w", summary: "Print it again every second." },
      ...instance,
    },
    example: "supervisor status -o wide",
  },
  start: {
    summary: "Start services that do not run; names may be globs.",
    ...verb,
    example: "supervisor start payments",
  },
  stop: {
    summary: "Stop services; they stay stopped until they are started.",
    ...verb,
    example: 'supervisor stop "report-*"',
  },
  restart: {
    summary: "Replace services by a new generation, without losing a request.",
    ...verb,
    example: "supervisor restart payments --timeout 1m",
  },
  pause: {
    summary: "Let services take nothing new; HTTP answers 503.",
    ...verb,
    example: "supervisor pause payments",
  },
  resume: {
    summary: "End a pause.",
    ...verb,
    example: "supervisor resume payments",
  },
  reload: {
    summary: "Read services.yaml again and apply what changed.",
    positionals: "",
    most: 0,
    options: {
      "dry-run": { type: "boolean", summary: "Only print what would change." },
      ...instance,
      ...waiting,
      ...asJson,
    },
    example: "supervisor reload --dry-run",
  },
  diff: {
    summary: "Print what a reload would change.",
    positionals: "",
    most: 0,
    options: { ...instance, ...asJson },
    example: "supervisor diff",
  },
  logs: {
    summary: "Print the last lines of the log, also of generations that are gone.",
    positionals: "[NAME…]",
    most: Infinity,
    options: {
      follow: { type: "boolean", short: "f", summary: "Go on with what comes." },
      lines: { type: "string", short: "n", value: "COUNT", summary: "At most so many (default 100)." },
      ...asJson,
      ...instance,
    },
    example: "supervisor logs -f -n 20 payments",
  },
  events: {
    summary: "Print what has happened to the services.",
    positionals: "",
    most: 0,
    options: {
      follow: { type: "boolean", short: "f", summary: "Go on with what comes." },
      lines: { type: "string", short: "n", value: "COUNT", summary: "At most so many (default 100)." },
      ...asJson,
      ...instance,
    },
    example: "supervisor events -f",
  },
  inject: {
    summary: "Send a request into a service, without a network; exit 1 when it answers 400 or more.",
    positionals: "NAME METHOD PATH",
    least: 3,
    most: 3,
    options: {
      data: { type: "string", short: "d", value: "BODY", summary: "The body." },
      header: {
        type: "string",
        short: "H",
        value: "'NAME: VALUE'",
        multiple: true,
        summary: "A header; may be repeated.",
      },
      timeout: waiting.timeout,
      ...asJson,
      ...instance,
    },
    example: "supervisor inject payments GET /health",
  },
  ...queueCommands,
  shutdown: {
    summary: "Stop everything in order and end the process.",
    positionals: "",
    most: 0,
    options: {
      ...instance,
      ...waiting,
      timeout: { type: "string", value: "DURATION", summary: "Wait no longer than this (default 10m)." },
      ...asJson,
    },
    example: "supervisor shutdown",
  },
  healthcheck: {
    summary: "Exit 0 when traffic may come, 1 when not: for the HEALTHCHECK of a container.",
    positionals: "[NAME]",
    most: 1,
    options: {
      live: { type: "boolean", summary: "Ask only whether the event loop turns." },
      url: { type: "string", value: "URL", summary: "Ask the admin address instead of the control socket." },
      timeout: { type: "string", value: "DURATION", summary: "Wait no longer than this (default 5s)." },
      ...instance,
    },
    example: "supervisor healthcheck --timeout 2s",
  },
  completion: {
    summary: "Print what completes command lines in a shell, with the names of the services that run.",
    positionals: "bash|zsh|fish",
    least: 1,
    most: 1,
    options: {},
    example: "supervisor completion bash > ~/.local/share/bash-completion/completions/supervisor",
  },
  build: {
    summary: "Make one executable of the file, its overlays and all modules; it runs with nothing beside it.",
    positionals: "[services.yaml]",
    most: 1,
    options: {
      outfile: { type: "string", short: "o", value: "FILE", summary: "What to write (default app)." },
      target: {
        type: "string",
        value: "TARGET",
        choices: [
          "linux-x64",
          "linux-arm64",
          "linux-x64-musl",
          "linux-arm64-musl",
          "darwin-x64",
          "darwin-arm64",
        ],
        summary: "For another machine: linux-arm64 and the like. Needs --runtime.",
      },
      runtime: {
        type: "string",
        value: "FILE",
        summary: "The supervisor, or Bun of the same version, for that target: nothing is downloaded.",
      },
      deno: {
        type: "boolean",
        summary: "Write a folder of files for deno compile instead (default app-deno).",
      },
    },
    example: "supervisor build services.yaml -o app",
  },
  systemd: {
    summary: "Print the systemd units that fit the file, or install them.",
    positionals: "[services.yaml] [NAME…]",
    most: Infinity,
    options: {
      env,
      system: { type: "boolean", summary: "For the machine (default)." },
      user: { type: "boolean", summary: "For the session of this user." },
      install: { type: "boolean", summary: "Write them where systemd looks, instead of printing them." },
    },
    example: "supervisor systemd services.yaml --install",
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
        choices: ["http", "consumer"],
        summary: "What to write: http (default), or consumer: a queue and a schedule.",
      },
    },
    example: "supervisor init hello",
  },
  version: {
    summary: "Print the version, its commit and the runtime.",
    positionals: "",
    most: 0,
    options: { ...asJson },
    example: "supervisor version --json",
  },
  help: {
    summary: "Print this, or what a command does.",
    positionals: "[COMMAND]",
    most: 2,
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
  : Option extends { multiple: true }
    ? readonly string[]
    : Option extends { choices: readonly (infer Choice)[] }
      ? Choice
      : string;

/** A command line that fits the table. */
export interface Invocation<Name extends CommandName> {
  readonly positionals: readonly string[];
  readonly options: OptionValues<(typeof commandTable)[Name]["options"]>;
}

/** @example isCommand("queue ls") // true */
export function isCommand(words: string): words is CommandName {
  return Object.hasOwn(commandTable, words);
}

/** @example isGroup("queue") // true */
export function isGroup(word: string): word is CommandGroup {
  return Object.hasOwn(commandGroups, word);
}

/** The commands of a group, in the order of the table. */
export function commandsOf(group: CommandGroup): readonly CommandName[] {
  return commandNames.filter((name) => name.startsWith(`${group} `));
}

/** The first words that there are, each once: commands and groups. */
export const firstWords = [...new Set(commandNames.map((name) => name.split(" ")[0] as string))];
