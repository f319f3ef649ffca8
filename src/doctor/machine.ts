import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/** What can be asked about the machine and the process, so that tests can answer. */
export interface Machine {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** 0 is root. */
  readonly uid: number;
  /** Text of a file below /proc or /sys; undefined when there is none. */
  read(path: string): string | undefined;
  /** Who listens on a TCP port, as far as this user may know. */
  ownerOf(port: number): PortOwner | undefined;
  /** Binds the address and lets go of it; throws as binding does. */
  probe(address: { readonly host: string; readonly port: number }): void;
  /** What a command prints; undefined when it cannot be run or fails. */
  output(command: string, args: readonly string[]): string | undefined;
}

export interface PortOwner {
  readonly name: string;
  readonly pid: number;
}

/** This machine. `probe` is the runtime's. */
export function thisMachine(probe: Machine["probe"]): Machine {
  return {
    variables: process.env,
    uid: process.getuid?.() ?? -1,
    read: readText,
    ownerOf,
    probe,
    output(command, args) {
      try {
        return execFileSync(command, args, {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
          timeout: 2_000,
        });
      } catch {
        // Not there, or not allowed: what it would have told stays unknown.
        return undefined;
      }
    },
  };
}

function ownerOf(port: number): PortOwner | undefined {
  const inodes = new Set(
    ["tcp", "tcp6"].flatMap((table) => listenersIn(readText(`/proc/net/${table}`) ?? "", port)),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of entriesOf("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of entriesOf(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return { name: readText(`/proc/${pid}/comm`)?.trim() ?? "a process", pid: Number(pid) };
    }
  }
  return undefined;
}

/** The inodes of the sockets that listen on `port` in a table of /proc/net. */
export function listenersIn(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === "0A" && local.endsWith(`:${wanted}`) && inode !== undefined ? [inode] : [];
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Another system than Linux, or another user's process.
    return undefined;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // As above: what cannot be seen is nobody.
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return "";
  }
}
