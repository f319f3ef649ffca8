import type { Inherited } from "../core/inherited.ts";
import type { PassedSockets } from "../core/plan.ts";

const own = /^(?:NOTIFY_SOCKET|WATCHDOG_(?:PID|USEC)|LISTEN_(?:PID|FDS|FDNAMES|PIDFDID)|FDSTORE)$/;

/**
 * Takes systemd's variables out of `variables`: a service that finds them, or a program that it starts, would speak for
 * the whole unit. What was meant for another process than `pid` counts for nothing, and is taken all the same.
 */
export function takeInherited(variables: Record<string, string | undefined>, pid: number): Inherited {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = variables;
  for (const name of Object.keys(variables)) if (own.test(name)) delete variables[name];
  const isOurs = (written: string | undefined) => written === undefined || Number(written) === pid;
  const watchdogMs = Number(WATCHDOG_USEC) / 1_000;
  const sockets = LISTEN_PID !== undefined && isOurs(LISTEN_PID) ? named(LISTEN_FDS, LISTEN_FDNAMES) : {};
  return {
    ...(NOTIFY_SOCKET ? { notifySocket: NOTIFY_SOCKET } : {}),
    ...(watchdogMs > 0 && isOurs(WATCHDOG_PID) ? { watchdogMs } : {}),
    sockets,
  };
}

/** The first three are standard input and output. */
const firstPassed = 3;

function named(count: string | undefined, names: string | undefined): PassedSockets {
  const nameOf = (names ?? "").split(":");
  const sockets: Record<string, number[]> = {};
  for (let index = 0; index < Number(count ?? 0); index++) {
    const name = nameOf[index] || "unknown";
    sockets[name] = [...(sockets[name] ?? []), firstPassed + index];
  }
  return sockets;
}
