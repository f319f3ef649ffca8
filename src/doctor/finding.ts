import type { ErrorCode } from "../core/errors.ts";
import type { Position } from "../core/problem.ts";

/** `error`: it will not work here. `warn`: it will not work elsewhere, or not well. `info`: worth knowing. */
export type Level = "error" | "warn" | "info";

/** Something that the doctor noticed, where, and what to do about it. */
export interface Finding {
  readonly level: Level;
  readonly code: FindingCode | ErrorCode;
  readonly message: string;
  readonly remedy: string;
  /** Absent when no line of a file is at fault. */
  readonly position?: Position;
}

/** What each code of a finding means; `docs/doctor.md` is made from it. Problems of the file keep their own codes. */
export const findingCodes = {
  IMPORT_EXTENSION:
    "A relative import without the extension of its file: Bun finds the file, Deno does not look for it.",
  TYPE_IMPORT:
    "A type that is imported, or exported again, as if it were a value: it depends on the runtime whether its module is loaded for nothing, or missed.",
  TSCONFIG_PATHS:
    "An import that only the `paths` of a tsconfig.json explain: they are Bun's and the editor's, Deno ignores them.",
  PACKAGE_TYPE:
    "The package.json above a module does not say that its files are ES modules, or says that they are not.",
  NATIVE_ADDON:
    "A package brings machine code: it is bound to one platform, and neither runtime supports all of Node's interface for it.",
  PACKAGE_MISSING: "A package is imported that is not installed where the module lives.",
  COMMONJS: "A word that only CommonJS has, in an ES module: Bun gives it a meaning, Deno does not.",
  RUNTIME_API: "A global or a module that only one of the runtimes has.",
  PORT_IN_USE: "Somebody listens on a port, or on a socket, that a service needs.",
  PORT_PRIVILEGED: "A port that this process may not bind.",
  UNREADABLE: "A file that is needed cannot be read by this user.",
  SECRET_READABLE: "Every user of this machine can read a secret.",
  CREDENTIAL_UNREAD: "A credential is there only under systemd, so it was not looked at.",
  SOCKET_FOLDER: "A unix socket has no folder, or one that this user may not write to.",
  SYSTEMD_TIMEOUT: "systemd kills the process before its stop has to be over.",
  KUBERNETES_GRACE: "Kubernetes has a time limit of its own for a stop, which cannot be read from inside.",
  OPEN_FILES: "The limit of open files leaves little for connections.",
} as const satisfies Record<string, string>;
export type FindingCode = keyof typeof findingCodes;

/** @example summaryOf([]) // "no findings" */
export function summaryOf(findings: readonly Finding[]): string {
  const counts = (["error", "warn", "info"] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : [`${count} ${words[level]}${count === 1 || level === "info" ? "" : "s"}`];
  });
  return counts.length === 0 ? "no findings" : counts.join(", ");
}

const words: Readonly<Record<Level, string>> = { error: "error", warn: "warning", info: "for information" };
