import type { Plan } from "../core/plan.ts";
import { executableName, sealed } from "../core/sealed.ts";
import { startSeconds, stopSeconds } from "../core/unit-times.ts";
import { hardening } from "./hardening.ts";
import { quoted } from "./quoted.ts";

export interface UnitOptions {
  readonly plan: Plan;
  readonly scope: "system" | "user";
  /** Of systemd; undefined: unknown, so the unit asks for nothing that is new. */
  readonly version: number | undefined;
  /** What has to be typed before a command of the supervisor. */
  readonly program: readonly string[];
  /** What starts the supervisor: `program` with its arguments. */
  readonly command: readonly string[];
  /** Where relative paths begin. */
  readonly folder: string;
  /** What services.yaml calls `${credential:NAME}`. */
  readonly credentials: readonly string[];
  /** Whether the runtime is Deno, from source: it wants a folder for what it compiles. */
  readonly isDeno: boolean;
}

/** `Type=notify-reload` is known from here on: systemd itself sends SIGHUP and waits for the answer. */
const reloadVersion = 253;

/** The loop is checked every 50 ms; nothing that is well stands still this long. */
const watchdogSeconds = 10;

/** The service unit of a plan. `systemd-analyze verify` has nothing to say about it. */
export function serviceUnit(options: UnitOptions): string {
  const { plan, scope, sockets } = { ...options, sockets: socketUnits(options.plan) };
  return `${[
    madeFrom(plan),
    "[Unit]",
    `Description=${plan.name} (supervisor)`,
    ...(scope === "system" ? ["Wants=network-online.target", "After=network-online.target"] : []),
    ...sockets.flatMap(({ file }) => [`Requires=${file}`, `After=${file}`]),
    "# It counts every start, also those by hand: room for upgrades, and an end to what crashes twice a minute.",
    "StartLimitIntervalSec=600",
    "StartLimitBurst=20",
    "",
    "[Service]",
    ...typeLines(options),
    "NotifyAccess=main",
    `ExecStart=${options.command.map(quoted).join(" ")}`,
    `WorkingDirectory=${options.folder.replaceAll("%", "%%")}`,
    ...sockets.map(({ file }) => `Sockets=${file}`),
    "",
    "# 64 and 78: the command line or services.yaml is wrong, and a restart changes nothing about it.",
    "Restart=on-failure",
    "RestartSec=1s",
    "RestartPreventExitStatus=64 78",
    "SuccessExitStatus=143",
    "",
    "# The start_timeout of the services, one wave after the other; shutdown.timeout and 5s. Both are pushed on while it goes as planned.",
    `TimeoutStartSec=${startSeconds(plan)}`,
    `TimeoutStopSec=${stopSeconds(plan)}`,
    "# Only the supervisor gets SIGTERM: it knows the order. What is left at the end is killed.",
    "KillMode=mixed",
    `WatchdogSec=${watchdogSeconds}`,
    "WatchdogSignal=SIGKILL",
    "",
    ...placeLines(options),
    "",
    ...hardening(options),
    "",
    "[Install]",
    `WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}`,
  ].join("\n")}\n`;
}

/** The first words are how a file of ours is known. */
function madeFrom({ file }: Plan): string {
  const inside = sealed();
  const origin = inside ? `the ${inside.file} inside ${executableName()}` : file;
  return `# Made by "supervisor systemd" from ${origin}; make it anew when that changes.`;
}

export interface SocketUnit {
  readonly file: string;
  readonly text: string;
}

/** One for each socket that services.yaml wants of systemd. */
export function socketUnits(plan: Plan): SocketUnit[] {
  const units = new Map<string, SocketUnit>();
  for (const { name, listens, lines } of socketsOf(plan)) {
    const file = `${plan.name}-${name}.socket`;
    const text = [
      madeFrom(plan),
      "[Unit]",
      `Description=Socket "${name}" of ${plan.name} (supervisor)`,
      "",
      "[Socket]",
      `ListenStream=${listens}`,
      `FileDescriptorName=${name}`,
      `Service=${plan.name}.service`,
      "# Who connects while the service restarts waits here.",
      "Backlog=4096",
      "# Who waits while the service fails starts it again, at once: given up before StartLimitBurst= of the service forbids",
      "# the restart that mends it.",
      "TriggerLimitIntervalSec=10s",
      "TriggerLimitBurst=5",
      ...lines,
      "",
      "[Install]",
      "WantedBy=sockets.target",
    ];
    units.set(file, { file, text: `${text.join("\n")}\n` });
  }
  return [...units.values()];
}

/** The sockets of a plan whose place it does not say: nobody can write a unit for these. */
export function placelessSockets({ services }: Plan): string[] {
  return services.flatMap(({ http }) =>
    http?.address.tag === "systemd" && !http.address.at ? [http.address.name] : [],
  );
}

interface Socket {
  readonly name: string;
  readonly listens: string;
  readonly lines: readonly string[];
}

/** Where admin listens when nobody says: the schema's own default. */
const adminPlace = "127.0.0.1:6060";

function socketsOf({ services, admin }: Plan): Socket[] {
  const sockets = services.flatMap(({ http }): Socket[] => {
    if (http?.address.tag !== "systemd" || !http.address.at) return [];
    const { name, at } = http.address;
    const listens = at.tag === "unix" ? at.path : `${bracketed(at.host)}:${at.port}`;
    return [{ name, listens, lines: [] }];
  });
  if (admin === false || admin.listen.tag !== "systemd") return sockets;
  return [...sockets, { name: admin.listen.name, listens: adminPlace, lines: [] }];
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Not `kill -HUP`: that returns before the supervisor can say that it reloads, so `systemctl reload` would not wait. */
function typeLines({ version, program, plan }: UnitOptions): string[] {
  if (version !== undefined && version >= reloadVersion) return ["Type=notify-reload"];
  const reload = [...program, "reload", "--name", plan.name];
  return ["Type=notify", `ExecReload=${reload.map(quoted).join(" ")}`];
}

function placeLines({ plan, scope, credentials, isDeno }: UnitOptions): string[] {
  const { name } = plan;
  const settings = scope === "system" ? `/etc/${name}` : `%E/${name}`;
  return [
    `# What the services keep is in %S/${name}, also the embedded queue.`,
    `StateDirectory=${name}`,
    // A user's own session has a folder already, where every command looks.
    ...(scope === "system" ? [`RuntimeDirectory=${name}`] : []),
    ...(isDeno ? [`CacheDirectory=${name}`, `Environment=DENO_DIR=%C/${name}`] : []),
    `EnvironmentFile=-${settings}/environment`,
    ...credentials.map((credential) => `LoadCredential=${credential}:${settings}/${credential}`),
  ];
}
