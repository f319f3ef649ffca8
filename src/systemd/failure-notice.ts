import { constants } from "node:os";
import type { ErrorCode } from "../core/errors.ts";
import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import { ProblemsError } from "../core/problem.ts";
import type { StopCause, StopReport } from "../core/report.ts";
import { causeText } from "./status-text.ts";

/** What `systemctl status` shows of a start that came to nothing; one datagram. */
export function failureNotice(error: unknown): string {
  const [first, ...more] = error instanceof ProblemsError ? error.problems : [];
  const { code, message } = first ?? asProblem(error);
  const others = more.length > 0 ? ` (and ${more.length} more)` : "";
  const place = first?.position ? `${first.position.file}:${first.position.line}: ` : "";
  const text = `Cannot start: ${place}${message}${others}${code === undefined ? "" : ` (${code})`}`;
  return `STATUS=${text.replace(/\s+/g, " ")}\nERRNO=${numberOf(code)}`;
}

/**
 * The same of a group that has ended because something failed; undefined when it was asked to stop. The operator's
 * thread says so as well, unless the end came before it could.
 */
export function endNotice({ cause, services }: StopReport): string | undefined {
  const [errno] = errnoOf(cause);
  if (errno === undefined) return undefined;
  const stopped = services.filter(({ outcome }) => outcome !== "abandoned").length;
  const text = `${causeText(cause)}${stopped}/${services.length} services stopped`;
  return `STATUS=${text.replace(/\s+/g, " ")}\n${errno}`;
}

/** The line about a group that stops because something failed; none when it was asked to stop. */
export function errnoOf(cause: StopCause): string[] {
  if (cause.tag === "operator") return [`ERRNO=${constants.errno.EIO}`];
  return cause.tag === "failure" ? [`ERRNO=${numberOf(cause.code)}`] : [];
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
