import { constants } from "node:os";
import type { ErrorCode } from "../core/errors.ts";
import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import { ProblemsError } from "../core/problem.ts";
import type { StopCause } from "../core/report.ts";

/** What `systemctl status` shows of a start that came to nothing; one datagram. */
export function failureNotice(error: unknown): string {
  const [first, ...more] = error instanceof ProblemsError ? error.problems : [];
  const { code, message } = first ?? asProblem(error);
  const others = more.length > 0 ? ` (and ${more.length} more)` : "";
  const place = first?.position ? `${first.position.file}:${first.position.line}: ` : "";
  const text = `Cannot start: ${place}${message}${others}${code === undefined ? "" : ` (${code})`}`;
  return `STATUS=${text.replace(/\s+/g, " ")}\nERRNO=${numberOf(code)}`;
}

/** The line about a group that stops because something failed; none when it was asked to stop. */
export function errnoOf(cause: StopCause): string[] {
  return cause.tag === "failure" || cause.tag === "operator" ? [`ERRNO=${constants.errno.EIO}`] : [];
}

function asProblem(error: unknown): { readonly code?: ErrorCode; readonly message: string } {
  if (error instanceof SupervisorError) return error;
  return { message: messageOf(error) };
}

function numberOf(code: ErrorCode | undefined): number {
  const { errno } = constants;
  switch (code) {
    case undefined:
      return errno.EIO;
    case "ADDRESS_IN_USE":
      return errno.EADDRINUSE;
    case "ADDRESS_FORBIDDEN":
      return errno.EACCES;
    case "ADDRESS_UNAVAILABLE":
      return errno.EADDRNOTAVAIL;
    case "CONFIG_NOT_FOUND":
    case "MODULE_NOT_FOUND":
      return errno.ENOENT;
    default:
      return errorCodes[code].exit === 78 ? errno.EINVAL : errno.EIO;
  }
}
