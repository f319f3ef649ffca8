import { fstatSync, writeSync } from "node:fs";
import process from "node:process";
import { isTerminal, wantsColor } from "../core/terminal.ts";

/** Where a command runs and what it may print to; tests pass their own. */
export interface Terminal {
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Whether colors are welcome in `out`. */
  readonly outColor: boolean;
  /** Whether colors are welcome in `err`. */
  readonly errColor: boolean;
  /** Results, for people and pipes: standard output. `text` ends with its own newline. */
  out(text: string): void;
  /** Whether `out` is a pipe: that its reader has gone is noticed by writing, and by nothing else. */
  readonly outPiped: boolean;
  /** Whether nobody read what was written to `out` last. */
  readonly outClosed: boolean;
  /** Problems and usage: standard error. */
  err(text: string): void;
}

/** The terminal of this process. Not process.stdout: its first use costs more than reading services.yaml. */
export function systemTerminal(): Terminal {
  let closed = false;
  return {
    cwd: process.cwd(),
    variables: process.env,
    get outColor() {
      return wantsColor(process.env, isTerminal(1));
    },
    get errColor() {
      return wantsColor(process.env, isTerminal(2));
    },
    out(text) {
      if (!writeAll(1, text)) closed = true;
    },
    get outPiped() {
      const stat = fstatSync(1);
      return stat.isFIFO() || stat.isSocket();
    },
    get outClosed() {
      return closed;
    },
    err: (text) => void writeAll(2, text),
  };
}

/** @example bold("Usage", false) // "Usage" */
export function bold(text: string, color: boolean): string {
  return color ? `\u001b[1m${text}\u001b[22m` : text;
}

/** `text` in the colors of an SGR code; as it is without a code or colors. */
export function painted(text: string, code: string, color: boolean): string {
  return color && code ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** Writes all of `text`, however slowly its reader reads. False when nobody reads any more. */
function writeAll(fd: number, text: string): boolean {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // `supervisor schema | head` closes the pipe early: that is no failure of ours.
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}
