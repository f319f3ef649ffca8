import { isPermanent, SupervisorError } from "../../../core/errors.ts";

/**
 * `busy`: another process writes just now. `full`: no room. `away`: the disk fails. `defect`: anything else, which is
 * ours. By the text: Deno gives no number.
 */
export type Fault = "busy" | "full" | "away" | "defect";

export function faultOf(error: unknown): Fault {
  const text = textOf(error);
  if (/database (table )?is locked|database schema is locked/.test(text)) return "busy";
  if (/database or disk is full|ENOSPC|EDQUOT/.test(text)) return "full";
  if (/disk I\/O error|readonly database|unable to open|malformed|locking protocol/.test(text)) return "away";
  return "defect";
}

/** Whether it may be the disk that cannot be written; SQLite calls one without room for its index failing. */
export function isUnwritable(error: unknown): boolean {
  if (error instanceof SupervisorError && error.code === "BROKER_FULL") return true;
  return faultOf(error) === "full" || /disk I\/O error/.test(textOf(error));
}

/** Why a file cannot be used for good, as an operator has to know it; undefined when trying again may help. */
export function refusalOf(error: unknown, file: string): SupervisorError | undefined {
  if (error instanceof SupervisorError) return isPermanent(error) ? error : undefined;
  const text = textOf(error);
  if (/not a database/.test(text)) return notAQueue(file, "is no SQLite database");
  if (/malformed/.test(text)) return notAQueue(file, "is damaged");
  if (/readonly|EACCES|EPERM|EROFS|unable to open/.test(text)) {
    return new SupervisorError(
      "BROKER_REFUSED",
      `The queue ${file} cannot be written`,
      "Give this user the right to write the file and its folder, or name another file in brokers:.",
      { cause: error },
    );
  }
  if (/ENOTDIR|EEXIST|EISDIR|ELOOP|ENAMETOOLONG/.test(text)) return notAQueue(file, "is no path of a file");
  return undefined;
}

export function notAQueue(file: string, why: string): SupervisorError {
  return new SupervisorError(
    "BAD_BROKER",
    `The queue ${file} ${why}`,
    "Name another file in brokers:, or move this one away; a new queue is made where there is none.",
  );
}

export function full(file: string, cause: Error): SupervisorError {
  return new SupervisorError(
    "BROKER_FULL",
    `The queue ${file} has no room for another task`,
    "Make room on its disk; nothing that was accepted is lost.",
    { cause },
  );
}

/** It could not be used for as long as calls wait for it. */
export function unreachable(file: string, cause: Error): SupervisorError {
  return new SupervisorError(
    "BROKER_UNREACHABLE",
    `The queue ${file} cannot be used: ${cause.message}`,
    "See whether its disk is full or failing, or another process holds it.",
    { cause },
  );
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${"code" in error ? error.code : ""} ${error.message}`;
}
