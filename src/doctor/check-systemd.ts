import { formatDuration } from "../core/duration.ts";
import { stopSeconds } from "../core/unit-times.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Inside a unit: whether systemd waits as long as a stop may take. Elsewhere there is nothing to find. */
export function checkSystemd({ plan, locate, machine }: Subject): Finding[] {
  if (!machine.variables.INVOCATION_ID) return [];
  const unit = unitOf(machine.read("/proc/self/cgroup") ?? "");
  if (unit === undefined) return [];
  const user = machine.uid === 0 || !unit.user ? [] : ["--user"];
  const shown = machine.output("systemctl", [...user, "show", unit.name, "--property=TimeoutStopUSec"]);
  const allowedMs = parseTimeSpan(/^TimeoutStopUSec=(.*)$/m.exec(shown ?? "")?.[1] ?? "");
  const { timeout } = plan.shutdown;
  if (allowedMs === undefined || allowedMs > timeout) return [];
  const position = locate(["shutdown", "timeout"]);
  return [
    {
      level: "warn",
      code: "SYSTEMD_TIMEOUT",
      message: `A stop may take ${formatDuration(timeout)}, but ${unit.name} is killed after ${formatDuration(allowedMs)}`,
      remedy: `Set TimeoutStopSec=${stopSeconds(plan)} in the unit ("supervisor systemd" writes one), or make shutdown.timeout shorter.`,
      ...(position ? { position } : {}),
    },
  ];
}

/** @example unitOf("0::/system.slice/shop.service") // { name: "shop.service", user: false } */
export function unitOf(cgroups: string): { readonly name: string; readonly user: boolean } | undefined {
  const path = /^(?:0|\d+:name=systemd):?:(\/.*)$/m.exec(cgroups)?.[1] ?? "";
  const name = path.split("/").findLast((part) => part.endsWith(".service"));
  // The manager of a user is a service of the system, and what it runs is not.
  return name === undefined ? undefined : { name, user: /\/user@\d+\.service\/./.test(path) };
}

/** Milliseconds of systemd's `1min 30s`; undefined for `infinity`, and for what is none. */
export function parseTimeSpan(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w)\b/g)];
  if (parts.length === 0) return undefined;
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit as string] as number),
    0,
  );
}

const unitMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
