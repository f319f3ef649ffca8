import { fstatSync } from "node:fs";
import process from "node:process";

/** FORCE_COLOR decides, then NO_COLOR, then whether it is a terminal that knows colors. */
export function wantsColor(
  variables: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = variables;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return terminal && TERM !== "dumb";
}

/** Whether what is written to this descriptor goes to systemd's journal, as `$JOURNAL_STREAM` says. */
export function isJournal(variables: Readonly<Record<string, string | undefined>>, fd: number): boolean {
  const { JOURNAL_STREAM } = variables;
  if (!JOURNAL_STREAM) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    // The descriptor is closed: nobody reads it.
    return false;
  }
}

/**
 * Whether somebody reads this descriptor on a screen. Never ask process.stderr.isTTY: its first use loads the
 * whole of node:stream, 4 MB and as many milliseconds.
 */
export function isTerminal(fd: number): boolean {
  try {
    // Loading node:tty takes longer than all of this file, and most output goes elsewhere.
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule("node:tty").isatty(fd);
  } catch {
    // The descriptor is closed: whatever it is, no colors.
    return false;
  }
}
