import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import { ExitCode } from "../core/exit.ts";
import { problemsOf } from "../core/problem.ts";
import { sealed } from "../core/sealed.ts";
import { shownText } from "../core/shown-text.ts";
import { parseArguments, parseCommand } from "./arguments.ts";
import type { Handler } from "./handler.ts";
import { commandHelp, generalHelp, groupHelp, shortUsage } from "./help.ts";
import { exitCodeOf } from "./problems.ts";
import type { CommandName } from "./table.ts";
import type { CommandGroup } from "./table-queues.ts";
import type { Terminal } from "./terminal.ts";

// Loaded when asked for, so that `run` does not pay for the others. Literal specifiers only: the compiler
// bundles what it can read here.
const handlers: { readonly [Name in CommandName]: () => Promise<{ readonly command: Handler<Name> }> } = {
  run: () => import("./commands/run.ts"),
  check: () => import("./commands/check.ts"),
  doctor: () => import("./commands/doctor.ts"),
  plan: () => import("./commands/plan.ts"),
  graph: () => import("./commands/graph.ts"),
  status: () => import("./commands/status.ts"),
  start: () => import("./commands/verb.ts"),
  stop: () => import("./commands/verb.ts"),
  restart: () => import("./commands/verb.ts"),
  pause: () => import("./commands/verb.ts"),
  resume: () => import("./commands/verb.ts"),
  reload: () => import("./commands/reload.ts"),
  diff: () => import("./commands/diff.ts"),
  logs: () => import("./commands/logs.ts"),
  events: () => import("./commands/events.ts"),
  inject: () => import("./commands/inject.ts"),
  "queue ls": () => import("./commands/queue.ts"),
  "queue inspect": () => import("./commands/queue.ts"),
  "queue history": () => import("./commands/queue.ts"),
  "queue pause": () => import("./commands/queue.ts"),
  "queue resume": () => import("./commands/queue.ts"),
  "queue drain": () => import("./commands/queue.ts"),
  "task ls": () => import("./commands/task-list.ts"),
  "task show": () => import("./commands/task-show.ts"),
  "task enqueue": () => import("./commands/task-enqueue.ts"),
  "task run": () => import("./commands/task-act.ts"),
  "task retry": () => import("./commands/task-act.ts"),
  "task archive": () => import("./commands/task-act.ts"),
  "task delete": () => import("./commands/task-act.ts"),
  "task cancel": () => import("./commands/task-act.ts"),
  "cron ls": () => import("./commands/cron.ts"),
  "cron history": () => import("./commands/cron.ts"),
  "cron next": () => import("./commands/cron.ts"),
  "cron run": () => import("./commands/cron.ts"),
  "cron pause": () => import("./commands/cron.ts"),
  "cron resume": () => import("./commands/cron.ts"),
  shutdown: () => import("./commands/shutdown.ts"),
  healthcheck: () => import("./commands/healthcheck.ts"),
  completion: () => import("./commands/completion.ts"),
  build: () => import("./commands/build.ts"),
  systemd: () => import("./commands/systemd.ts"),
  schema: () => import("./commands/schema.ts"),
  init: () => import("./commands/init.ts"),
  version: () => import("./commands/version.ts"),
  help: () => import("./commands/help.ts"),
};

/** Runs the command line `args` and returns the exit code; never rejects. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...others] = withUsualCommand(args);
  if (word === undefined) {
    terminal.err(generalHelp(terminal.errColor));
    return ExitCode.usage;
  }
  let name: CommandName | undefined;
  try {
    if (word === "--supervisor-info") {
      const { printSealInfo } = await import("./commands/supervisor-info.ts");
      return await printSealInfo(terminal);
    }
    const asked = parseCommand([aliases[word] ?? word, ...others]);
    if ("group" in asked) return tellGroup(asked, terminal);
    name = asked.name;
    return await runCommand(name, asked.args, terminal);
  } catch (error) {
    return await explain(error, name, terminal);
  }
}

const aliases: Readonly<Record<string, CommandName | undefined>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};

/** A sealed executable runs what is inside when nothing else is asked: `./app`, `./app --env prod`. */
function withUsualCommand(args: readonly string[]): readonly string[] {
  const [word = "--"] = args;
  const isOption = word.startsWith("-") && word !== "--supervisor-info" && aliases[word] === undefined;
  return sealed() && isOption ? ["run", ...args] : args;
}

/** Asked for, it is a result; otherwise the second word is missing. */
function tellGroup({ group, help }: { group: CommandGroup; help: boolean }, terminal: Terminal): number {
  if (help) terminal.out(groupHelp(group, terminal.outColor));
  else terminal.err(groupHelp(group, terminal.errColor));
  return help ? ExitCode.clean : ExitCode.usage;
}

async function runCommand<Name extends CommandName>(
  name: Name,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const invocation = parseArguments(name, args);
  if (invocation === "help") {
    terminal.out(commandHelp(name, terminal.outColor));
    return ExitCode.clean;
  }
  const { command } = await handlers[name]();
  return command(invocation, terminal, name);
}

/** Prints what went wrong and returns the exit code that goes with it. */
async function explain(error: unknown, name: CommandName | undefined, terminal: Terminal): Promise<number> {
  // What a broker says is no problem of a file, and nothing was to be started.
  const aboutQueues = name?.includes(" ") ?? false;
  if (error instanceof SupervisorError && (aboutQueues || plainExits.has(errorCodes[error.code].exit))) {
    const { code, message, hint } = error;
    // What is wrong with the words of the command line is plain; anything else can be looked up by its code.
    const [known, usage] = code === "USAGE" ? ["", shortUsage(name)] : [` (${code})`, ""];
    terminal.err(`supervisor: ${shownText(`${message}${known}. ${hint}`)}\n${usage}`);
    return errorCodes[code].exit;
  }
  const problems = problemsOf(error);
  if (problems.length === 0) {
    const stack = error instanceof Error ? error.stack : undefined;
    const defect = `a defect of its own, please report it: ${stack ?? messageOf(error)}`;
    terminal.err(`supervisor: ${isSystemError(error) ? error.message : defect}\n`);
    return ExitCode.failed;
  }
  const { renderProblems } = await import("../core/render-problems.ts");
  terminal.err(`${renderProblems(problems, { color: terminal.errColor, cwd: terminal.cwd }).trimEnd()}\n`);
  return exitCodeOf(problems);
}

/** A wrong command line, and what a running supervisor says: nobody has to look at a file. */
const plainExits: ReadonlySet<number> = new Set([ExitCode.usage, ExitCode.refused, ExitCode.notRunning]);

/** A full disk, a folder that may not be written: what the operating system says is what the user needs. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && /^E[A-Z0-9]+$/.test(String(error.code));
}
