import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { sealed } from "../../core/sealed.ts";
import { writeError } from "../../core/write-error.ts";
import { homePaths } from "../../systemd/hardening.ts";
import type { UnitOptions } from "../../systemd/unit.ts";
import { placelessSockets, serviceUnit, socketUnits } from "../../systemd/unit.ts";
import { readUnitSource } from "../../unit-source.ts";
import type { Handler } from "../handler.ts";
import { targetOf } from "../target.ts";
import type { Terminal } from "../terminal.ts";

export const command: Handler<"systemd"> = async ({ positionals, options }, terminal) => {
  const { env, install, user, system } = options;
  if (user && system) throw usage("--user and --system exclude each other", "Give one of them.");
  const target = targetOf(positionals);
  const { plan, credentials } = await readUnitSource({
    ...target,
    variables: terminal.variables,
    cron: () => import("../../schedule/cron.ts"),
    ...(env === undefined ? {} : { env }),
  });
  const [placeless] = placelessSockets(plan);
  if (placeless !== undefined) {
    const hint = "Add port, or unix, beside listen: that is what the socket unit then says.";
    throw usage(`services.yaml does not say where the socket "${placeless}" listens`, hint);
  }
  const words = [...target.only, ...(env === undefined ? [] : ["--env", env])];
  const program = programOf();
  const unit: UnitOptions = {
    plan,
    program,
    scope: user ? "user" : "system",
    version: systemdVersion(),
    command: [...program, "run", ...(sealed() ? [] : [resolve(terminal.cwd, target.file)]), ...words],
    folder: sealed()?.folder ?? dirname(plan.file),
    credentials,
    isDeno: process.versions.deno !== undefined,
  };
  const files = [{ file: `${plan.name}.service`, text: serviceUnit(unit) }, ...socketUnits(plan)];
  warn(unit, terminal);
  if (install) installFiles(unit, files, terminal);
  else terminal.out(files.map(({ file, text }) => `# ${join(folderOf(unit), file)}\n${text}`).join("\n"));
  return ExitCode.clean;
};

interface UnitFile {
  readonly file: string;
  readonly text: string;
}

function installFiles(unit: UnitOptions, files: readonly UnitFile[], terminal: Terminal): void {
  const folder = folderOf(unit);
  const foreign = files.find(({ file }) => !isOurs(join(folder, file)));
  if (foreign) {
    const message = `${join(folder, foreign.file)} was not made by "supervisor systemd"`;
    throw new SupervisorError("FILE_EXISTS", message, "Move it away, or give the plan another name.");
  }
  for (const { file, text } of files) {
    const path = join(folder, file);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text);
    } catch (error) {
      throw writeError("the unit", path, error);
    }
    terminal.out(`wrote ${path}\n`);
  }
  const manager = unit.scope === "user" ? "systemctl --user" : "systemctl";
  const names = files.map(({ file }) => file).join(" ");
  terminal.out(`\nNow: ${manager} daemon-reload && ${manager} enable --now ${names}\n`);
}

function isOurs(path: string): boolean {
  return !existsSync(path) || readFileSync(path, "utf8").startsWith('# Made by "supervisor systemd"');
}

function folderOf({ scope }: UnitOptions): string {
  if (scope === "system") return "/etc/systemd/system";
  return join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "systemd/user");
}

function warn(unit: UnitOptions, terminal: Terminal): void {
  const { plan, scope, credentials, command } = unit;
  const say = (text: string) => terminal.err(`supervisor: ${text}\n`);
  const [home] = scope === "system" ? homePaths(unit) : [];
  if (home !== undefined) {
    say(`${home} is in a home, where the unit's own user may not read: move it to /opt or /srv`);
  } else if (scope === "system" && /^\/(?:tmp|var\/tmp)\//.test(command[0] ?? "")) {
    say(`${command[0]} is in a folder that the unit has for itself: move it to /opt or /srv`);
  }
  for (const { scheme, url } of plan.brokers ?? []) {
    const path = url.replace(/^sqlite:/, "").replace(/\?.*$/, "");
    if (scheme !== "sqlite" || path.startsWith("/var/lib/")) continue;
    say(
      `the queue ${path} is not in the unit's StateDirectory: write sqlite:\${STATE_DIRECTORY:-./data}/queue.db`,
    );
  }
  for (const name of credentials) say(`the credential "${name}" is read from /etc/${plan.name}/${name}`);
}

/** What has to be typed to get this supervisor: one executable, or a runtime and its source. */
function programOf(): string[] {
  const [, script = ""] = process.argv;
  const isCompiled = script.startsWith("/$bunfs/") || script === "" || !/\.[mc]?[jt]s$/.test(script);
  // As it was typed: a link to the executable of today is how it is upgraded.
  if (isCompiled) return [process.argv0.includes("/") ? resolve(process.argv0) : process.execPath];
  const isDeno = process.versions.deno !== undefined;
  return [process.execPath, ...(isDeno ? ["run", "-A"] : []), resolve(script)];
}

/** Undefined where there is no systemd to ask. */
function systemdVersion(): number | undefined {
  const { stdout } = spawnSync("systemctl", ["--version"], { encoding: "utf8" });
  const [, version] = /^systemd (\d+)/.exec(stdout ?? "") ?? [];
  return version === undefined ? undefined : Number(version);
}

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}
