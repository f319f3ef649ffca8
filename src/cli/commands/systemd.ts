import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { sealed } from "../../core/sealed.ts";
import { writeError } from "../../core/write-error.ts";
import { closedPaths } from "../../systemd/closed-paths.ts";
import { parseEnvironmentFile } from "../../systemd/environment-file.ts";
import { homePaths, privatePaths } from "../../systemd/hardening.ts";
import { installSteps, isSocketOf } from "../../systemd/install-steps.ts";
import type { SocketTables } from "../../systemd/listening.ts";
import { isListeningAt } from "../../systemd/listening.ts";
import { forbiddenSockets, vanishingSockets } from "../../systemd/socket-files.ts";
import type { UnitOptions } from "../../systemd/unit.ts";
import { placelessSockets, serviceUnit, socketUnits } from "../../systemd/unit.ts";
import type { UnitSource } from "../../unit-source.ts";
import { readUnitSource } from "../../unit-source.ts";
import type { Handler } from "../handler.ts";
import { namedFolder, namedPath, namedProgram } from "../named-paths.ts";
import { targetOf } from "../target.ts";
import type { Terminal } from "../terminal.ts";

export const command: Handler<"systemd"> = async ({ positionals, options }, terminal) => {
  const { env, install, user, system } = options;
  if (user && system) throw usage("--user and --system exclude each other", "Give one of them.");
  const asked = targetOf(positionals);
  const target = sealed() ? asked : { ...asked, file: namedPath(asked.file, terminal) };
  const scope = user ? "user" : "system";
  const source = await readUnitSource({
    ...target,
    variables: terminal.variables,
    environment: (name) => readEnvironment(join(settingsFolder(scope, name), "environment")),
    cron: () => import("../../schedule/cron.ts"),
    ...(env === undefined ? {} : { env }),
  });
  const { plan, credentials, variables, unset = variables } = source;
  const [placeless] = placelessSockets(plan);
  if (placeless !== undefined) {
    const known = unset.length === 0 ? "" : ` What it says of ${unset.join(", ")} is not known yet.`;
    const hint = `Add port, or unix, beside listen: that is what the socket unit then says.${known}`;
    throw usage(`services.yaml does not say where the socket "${placeless}" listens`, hint);
  }
  const [vanishing] = scope === "system" ? vanishingSockets(plan) : [];
  if (vanishing !== undefined) {
    const message = `The socket ${vanishing} would be gone after the first restart: systemd removes /run/${plan.name} with the service`;
    throw usage(message, `Take another folder, or none: /run/${plan.name}-web.sock.`);
  }
  const words = [...target.only, ...(env === undefined ? [] : ["--env", env])];
  const program = programOf(terminal);
  const unit: UnitOptions = {
    plan,
    program,
    scope,
    version: systemdVersion(),
    command: [...program, "run", ...(sealed() ? [] : [target.file]), ...words],
    folder: sealed() ? namedFolder(terminal) : dirname(plan.file),
    credentials,
    isDeno: process.versions.deno !== undefined,
  };
  const files = [{ file: `${plan.name}.service`, text: serviceUnit(unit) }, ...socketUnits(plan)];
  warn(unit, terminal);
  tellSettings(unit, source, terminal);
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
  const [{ file: service }, ...sockets] = files as [UnitFile, ...UnitFile[]];
  const before = installedBefore(folder, service);
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
  const running = runningUnits(unit.scope, [service, ...sockets.map(({ file }) => file)]);
  const tables = socketTables();
  const isListening = (place: string) => tables === undefined || isListeningAt(place, tables);
  const now = { ...(running ? { running } : {}), isListening };
  terminal.out(`\nNow: ${installSteps({ manager, folder, service, sockets, before, ...now })}\n`);
}

/** Those of these units that run; undefined where there is no systemd to ask. */
function runningUnits(scope: UnitOptions["scope"], units: readonly string[]): Set<string> | undefined {
  const args = [...(scope === "user" ? ["--user"] : []), "show", "-p", "Id", "-p", "ActiveState", ...units];
  const { status, stdout } = spawnSync("systemctl", args, { encoding: "utf8" });
  if (status !== 0) return undefined;
  const runs = stdout
    .split("\n\n")
    .filter((text) => /^ActiveState=(active|reloading|activating)$/m.test(text));
  return new Set(runs.map((text) => /^Id=(.*)$/m.exec(text)?.[1] ?? ""));
}

/** Undefined where the kernel shows none. */
function socketTables(): SocketTables | undefined {
  const read = (name: string) => readFileSync(`/proc/net/${name}`, "utf8");
  try {
    return { tcp: read("tcp"), tcp6: existsSync("/proc/net/tcp6") ? read("tcp6") : "", unix: read("unix") };
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** The units of this plan that are there, with their texts; those of other hands are not among them. */
function installedBefore(folder: string, service: string): Map<string, string> {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const ours = names.filter((name) => name === service || name.endsWith(".socket"));
  const read = ours.flatMap((name): [string, string][] => {
    const path = join(folder, name);
    return isOurs(path) && existsSync(path) ? [[name, readFileSync(path, "utf8")]] : [];
  });
  return new Map(read.filter(([name, text]) => name === service || isSocketOf(service, text)));
}

function isOurs(path: string): boolean {
  return !existsSync(path) || readFileSync(path, "utf8").startsWith('# Made by "supervisor systemd"');
}

function folderOf({ scope }: UnitOptions): string {
  if (scope === "system") return "/etc/systemd/system";
  return join(configHome(), "systemd/user");
}

/** Where the unit reads its variables and credentials from. */
function settingsFolder(scope: UnitOptions["scope"], name: string): string {
  return scope === "system" ? `/etc/${name}` : join(configHome(), name);
}

/** What systemd calls %E for a user: empty or relative, it counts as not set. */
function configHome(): string {
  const { XDG_CONFIG_HOME: set = "" } = process.env;
  return isAbsolute(set) ? set : join(homedir(), ".config");
}

/** Undefined when it is not there, or not for this user to read. */
function readEnvironment(file: string): Record<string, string> | undefined {
  try {
    return parseEnvironmentFile(readFileSync(file, "utf8"));
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/** A file in a folder that this user may not look into counts as there: nobody can tell. */
function isAbsent(path: string): boolean {
  try {
    statSync(path);
    return false;
  } catch (error) {
    if (isSystemError(error)) return error.code === "ENOENT" || error.code === "ENOTDIR";
    throw error;
  }
}

function warn(unit: UnitOptions, terminal: Terminal): void {
  const { plan, scope } = unit;
  const say = (text: string) => terminal.err(`supervisor: ${text}\n`);
  const [home] = scope === "system" ? homePaths(unit) : [];
  if (home !== undefined) {
    say(`${home} is in a home, where the unit's own user may not read: move it to /opt or /srv`);
  }
  const [hidden, ...more] = scope === "system" ? privatePaths(unit) : [];
  if (hidden !== undefined) {
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    say(
      `${hidden}${others} is in a folder of which the unit has an empty one for itself: move it to /opt or /srv`,
    );
  }
  // A home and /tmp are told already, and opening them would help nobody.
  const isSeen = scope === "system" && home === undefined && hidden === undefined;
  const closed = isSeen ? closedPaths({ ...unit, program: unit.command[0] as string }) : [];
  if (closed.length > 0) {
    say(`the unit's own user may not read ${closed.join(", ")}: open it with chmod o+rX`);
  }
  for (const path of scope === "system" ? forbiddenSockets(plan) : []) {
    say(
      `the socket ${path} is where the unit may not write: write \${RUNTIME_DIRECTORY:-./run}/${basename(path)}`,
    );
  }
  for (const { scheme, url } of plan.brokers ?? []) {
    const path = url.replace(/^sqlite:/, "").replace(/\?.*$/, "");
    if (scheme !== "sqlite" || path.startsWith("/var/lib/")) continue;
    say(
      `the queue ${path} is not in the unit's StateDirectory: write sqlite:\${STATE_DIRECTORY:-./data}/queue.db`,
    );
  }
}

/** What the unit reads from where, and what of it is not there yet. */
function tellSettings(
  { scope, plan, credentials }: UnitOptions,
  source: UnitSource,
  terminal: Terminal,
): void {
  const folder = settingsFolder(scope, plan.name);
  const say = (text: string) => terminal.err(`supervisor: ${text}\n`);
  const { variables, unset } = source;
  if (variables.length > 0) {
    const file = join(folder, "environment");
    const lack = unset && unset.length > 0 ? `; it does not set ${unset.join(", ")} yet` : "";
    const verb = unset?.length === 0 ? "sets" : "must set";
    say(`${file} ${verb} ${variables.join(", ")}${isAbsent(file) ? "; it is not there yet" : lack}`);
  }
  for (const name of credentials) {
    const file = join(folder, name);
    say(`the credential "${name}" is read from ${file}${isAbsent(file) ? ", which is not there yet" : ""}`);
  }
}

/** What has to be typed to get this supervisor: one executable, or a runtime and its source. */
function programOf(terminal: Terminal): string[] {
  const [, script = ""] = process.argv;
  const isCompiled = script.startsWith("/$bunfs/") || script === "" || !/\.[mc]?[jt]s$/.test(script);
  if (isCompiled) return [namedProgram(process.argv0, process.execPath, terminal)];
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
