import { readModules } from "../../config/read-plan.ts";
import type { Status } from "../../control/status.ts";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { executableName, sealed } from "../../core/sealed.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";
import type { Handler } from "../handler.ts";
import { instanceOf } from "../instance.ts";
import { usualFile } from "../target.ts";
import type { Terminal } from "../terminal.ts";

export const command: Handler<"completion"> = async ({ positionals }, terminal) => {
  const [shell = ""] = positionals;
  if (shell === "names") {
    for (const name of await serviceNames(terminal)) terminal.out(`${name}\n`);
    return ExitCode.clean;
  }
  const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
  if (!script) {
    const hint = "For bash: source <(supervisor completion bash)";
    throw new SupervisorError("USAGE", `There is no completion for "${shell}": bash, zsh or fish`, hint);
  }
  terminal.out(script(sealed() ? executableName() : "supervisor"));
  return ExitCode.clean;
};

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** What the scripts ask for: those that run, else those of the file. Nothing is wrong when there are none. */
async function serviceNames(terminal: Terminal): Promise<string[]> {
  return (await runningNames(terminal)) ?? (await writtenNames(terminal)) ?? [];
}

async function runningNames(terminal: Terminal): Promise<string[] | undefined> {
  try {
    const client = await instanceOf({}, terminal);
    const { status, value } = await client.ask("GET", "/status");
    return status === 200 ? (value as Status).services.map(({ name }) => name) : undefined;
  } catch {
    // None runs, or several do: the file has to do.
    return undefined;
  }
}

async function writtenNames(terminal: Terminal): Promise<string[] | undefined> {
  try {
    return (await readModules(usualFile(terminal.cwd))).map(({ service }) => service);
  } catch {
    // There is no file, or it is being edited: whoever types needs no message in between.
    return undefined;
  }
}
