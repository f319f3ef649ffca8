import { constants } from "node:os";
import type { ErrorCode } from "../core/errors.ts";
import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import { ProblemsError } from "../core/problem.ts";
import type { ServiceStop, StopCause, StopReport } from "../core/report.ts";
import { describeHeld } from "../core/report.ts";
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
 * The same of a group that has ended because something failed, or that had to cut somebody off; undefined when it was
 * asked to stop and did. The operator's thread says so as well, unless the end came before it could; it does not know
 * who was cut off.
 */
export function endNotice({ cause, services }: StopReport): string | undefined {
  const cut = services.filter(({ outcome, leftBehind }) => outcome === "abandoned" || leftBehind);
  const [errno] = errnoOf(cause);
  if (errno !== undefined) {
    const stopped = services.filter(({ outcome }) => outcome !== "abandoned").length;
    const who = cut.length > 0 ? `; cut off: ${namesOf(cut)}` : "";
    return notice(`${causeText(cause)}${stopped}/${services.length} services stopped${who}`, errno);
  }
  if (cut.length === 0) return undefined;
  // Whoever was cut off before it was ready for once: that is why, and the rest follows from it.
  const failed = cut.find(({ error }) => error !== undefined);
  if (!failed) return notice(`Cut off: ${namesOf(cut)}`, `ERRNO=${constants.errno.ETIME}`);
  const failure = { tag: "failure", service: failed.service, message: failed.error ?? "" } as const;
  return notice(`${causeText(failure)}cut off: ${namesOf(cut)}`, `ERRNO=${constants.errno.EIO}`);
}

/** The line about a group that stops because something failed; none when it was asked to stop. */
export function errnoOf(cause: StopCause): string[] {
  if (cause.tag === "operator") return [`ERRNO=${constants.errno.EIO}`];
  return cause.tag === "failure" ? [`ERRNO=${numberOf(cause.code)}`] : [];
}

function notice(text: string, errno: string): string {
  return `STATUS=${text.replace(/\s+/g, " ").slice(0, longest)}\n${errno}`;
}

const longest = 500;

function namesOf(services: readonly ServiceStop[]): string {
  return services
    .map(({ service, held }) => (held ? `${service} (${describeHeld(held)})` : service))
    .join(", ");
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
