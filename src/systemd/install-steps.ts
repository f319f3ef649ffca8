import type { SocketUnit } from "./unit.ts";

export interface InstallSteps {
  /** `systemctl`, or `systemctl --user`. */
  readonly manager: string;
  readonly folder: string;
  /** The file of the service unit. */
  readonly service: string;
  readonly sockets: readonly SocketUnit[];
  /** The texts of the units of this plan that were installed before, by file. */
  readonly before: ReadonlyMap<string, string>;
  /** The units that run now, as systemd says; undefined where there is none to ask. */
  readonly running?: ReadonlySet<string>;
  /** Whether somebody listens at the place of a `ListenStream=`. */
  readonly isListening: (place: string) => boolean;
}

/**
 * What has to be typed after the files are written, in one line. systemd opens a socket once: to move one, or to add one to
 * a service that runs, both are stopped first.
 */
export function installSteps(options: InstallSteps): string {
  const { manager, folder, service, sockets, before, running } = options;
  const files = sockets.map(({ file }) => file);
  const gone = goneSockets(before, files);
  const moved = sockets.filter(
    ({ file, text }) =>
      (before.has(file) && placeIn(before.get(file)) !== placeIn(text)) ||
      // Installed once more before the steps were typed: the file says it already, systemd is behind.
      (running?.has(file) && !options.isListening(placeIn(text))),
  );
  const isMissing = (file: string) => !before.has(file) || (running?.has(service) && !running.has(file));
  const isNew = before.has(service) && files.some(isMissing);
  const stopped = [...moved.map(({ file }) => file), ...gone];
  return [
    ...(isNew || stopped.length > 0 ? [`${manager} stop ${[service, ...stopped].join(" ")}`] : []),
    ...(gone.length > 0 ? [`${manager} disable ${gone.join(" ")}`] : []),
    ...(gone.length > 0 ? [`rm ${gone.map((file) => `${folder}/${file}`).join(" ")}`] : []),
    `${manager} daemon-reload`,
    `${manager} enable --now ${[service, ...files].join(" ")}`,
  ].join(" && ");
}

/** Whether a socket unit starts `service`: the names of others may begin the same. */
export function isSocketOf(service: string, text: string): boolean {
  return text.split("\n").includes(`Service=${service}`);
}

function goneSockets(before: InstallSteps["before"], files: readonly string[]): string[] {
  return [...before.keys()].filter((file) => file.endsWith(".socket") && !files.includes(file));
}

function placeIn(text = ""): string {
  return /^ListenStream=(.*)$/m.exec(text)?.[1] ?? "";
}
