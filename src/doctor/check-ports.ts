import type { Address } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { Position } from "../core/problem.ts";
import { isSocketAnswered } from "../core/socket-file.ts";
import type { Finding } from "./finding.ts";
import type { Machine } from "./machine.ts";
import type { Subject } from "./subject.ts";

/** Addresses that somebody has, or that this process may not bind. Two services on one are the file's problem. */
export async function checkPorts(subject: Subject): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { address, keys, at } of addressesOf(subject)) {
    // systemd has it already, and only a process that it starts can know more.
    if (address.tag === "systemd") continue;
    const finding =
      address.tag === "unix"
        ? await socketFinding(address, keys, subject)
        : portFinding(address, keys, subject);
    if (finding) findings.push({ ...finding, ...(at ? { position: at } : {}) });
  }
  return findings;
}

export interface Asked {
  readonly address: Address;
  /** The key of services.yaml that asks for it. */
  readonly keys: string;
  readonly at: Position | undefined;
}

/** Every address of the plan, each once. */
export function addressesOf({ plan, locate }: Pick<Subject, "plan" | "locate">): Asked[] {
  const asked = new Map<string, Asked>();
  const { admin } = plan;
  if (admin)
    asked.set(formatAddress(admin.listen), {
      address: admin.listen,
      keys: "admin.listen",
      at: locate(["admin", "listen"]),
    });
  for (const { name, http } of plan.services) {
    if (!http || asked.has(formatAddress(http.address))) continue;
    const { address } = http;
    const key = address.tag === "unix" ? "unix" : "port";
    asked.set(formatAddress(address), {
      address,
      keys: `services.${name}.http.${key}`,
      at: locate(["services", name, "http", key]),
    });
  }
  return [...asked.values()];
}

function portFinding(
  address: Extract<Address, { tag: "tcp" }>,
  keys: string,
  { machine, runningPid }: Subject,
): Finding | undefined {
  const { port } = address;
  if (port === 0) return undefined;
  if (isForbidden(port, machine)) {
    return {
      level: "error",
      code: "PORT_PRIVILEGED",
      message: `This user may not bind port ${port}`,
      remedy: `Take a port from ${firstFreePort(machine)} on for ${keys}, or give the process CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).`,
    };
  }
  try {
    machine.probe(address);
    return undefined;
  } catch (error) {
    // Other reasons depend on where the file will run: starting it tells them.
    if (codeOf(error) !== "EADDRINUSE") return undefined;
    const owner = machine.ownerOf(port);
    if (owner && owner.pid === runningPid) return undefined;
    const by = owner ? ` by ${owner.name} (pid ${owner.pid})` : "";
    return {
      level: "error",
      code: "PORT_IN_USE",
      message: `${formatAddress(address)} is in use${by}`,
      remedy: `Stop that process, or change ${keys}.`,
    };
  }
}

async function socketFinding(
  { path }: { readonly path: string },
  keys: string,
  { runningPid }: Subject,
): Promise<Finding | undefined> {
  // A supervisor that runs has its sockets; whose one is cannot be asked.
  if (runningPid !== undefined || !(await isSocketAnswered(path))) return undefined;
  return {
    level: "error",
    code: "PORT_IN_USE",
    message: `Somebody listens on the socket ${path}`,
    remedy: `Stop that process, or change ${keys}.`,
  };
}

/** Bit 10 of the effective capabilities: CAP_NET_BIND_SERVICE. */
const bindService = 1n << 10n;

function isForbidden(port: number, machine: Machine): boolean {
  if (port >= firstFreePort(machine)) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(machine.read("/proc/self/status") ?? "")?.[1];
  if (effective === undefined) return machine.uid !== 0;
  return (BigInt(`0x${effective}`) & bindService) === 0n;
}

function firstFreePort(machine: Machine): number {
  return Number(machine.read("/proc/sys/net/ipv4/ip_unprivileged_port_start") ?? 1_024);
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
