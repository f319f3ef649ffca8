import { messageOf, SupervisorError } from "./errors.ts";

/**
 * What an operator should read when `what` cannot be written to `path`. Causes that nobody foresaw keep the
 * system's words.
 *
 * @example writeError("the stop report", "absent/report.json", { code: "ENOENT" }).message
 * // "Cannot write the stop report to absent/report.json: its folder does not exist"
 */
export function writeError(what: string, path: string, cause: unknown): SupervisorError {
  const { code } = (typeof cause === "object" && cause !== null ? cause : {}) as { code?: unknown };
  const [fact, hint] = reasons[String(code)] ?? [messageOf(cause), "Name another place."];
  return new SupervisorError("FILE_UNWRITABLE", `Cannot write ${what} to ${path}: ${fact}`, hint, { cause });
}

const denied = [
  "permission denied",
  "Name a place that this user may write to, or change the folder's owner.",
] as const;

const reasons: Readonly<Record<string, readonly [fact: string, hint: string]>> = {
  ENOENT: ["its folder does not exist", "Make the folder first, or name a file in one that exists."],
  ENOTDIR: ["a part of the path is a file, not a folder", "Name a path whose parents are folders."],
  EEXIST: ["something else is in the way", "Move it away, or name another place."],
  EISDIR: ["it is a folder", "Name a file."],
  EACCES: denied,
  EPERM: denied,
  EROFS: ["the file system is read-only", "Name a place on one that can be written."],
  ENOSPC: ["the disk is full", "Make room, or name a place on another disk."],
  EDQUOT: ["this user may not fill more of the disk", "Make room, or name a place on another disk."],
};
