import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { ownerParts } from "../task-view.ts";

/*
 * Whose lease it is: `HOST:PID:UNIQUE|BIRTH|CLAIM`. With BIRTH a later process that got the same number is told from
 * the one that died, and one in another container (its own process numbers, perhaps the same host name) is not judged.
 */

/** Begins the `owner` of every task that this driver claims. */
export function leaseHolder(owner: string): string {
  return `${owner}|${birthOf(ownerParts(owner).pid)}`;
}

/** Whether the process that wrote it has certainly died. False when that cannot be known from here. */
export function isHolderDead(holder: string, host: string): boolean {
  const [owner = "", birth = ""] = holder.split("|");
  const { host: theirs, pid } = ownerParts(owner);
  if (theirs !== host || !Number.isInteger(pid) || pid <= 0) return false;
  if (birth !== "" && spaceOf(birth) !== spaceOf(birthOf(process.pid))) return false;
  const now = birthOf(pid);
  if (now === "") return !isAlive(pid);
  return birth !== "" && now !== birth;
}

/** When a process began, in ticks since the boot, in which boot and process space; "" when it has ended, or no /proc. */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in the second field may hold spaces and brackets: fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return "";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
    const space = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    return `${fields[19]}@${boot}/${space}`;
  } catch {
    // No such process, or no /proc.
    return "";
  }
}

function spaceOf(birth: string): string {
  return birth.slice(birth.indexOf("@"));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
