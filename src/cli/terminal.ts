import process from "node:process";

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
  /** Problems and usage: standard error. */
  err(text: string): void;
}

/** The terminal of this process. */
export function systemTerminal(): Terminal {
  // `supervisor schema | head` closes the pipe early: that is no failure of ours.
  process.stdout.on("error", ignoreClosedPipe);
  process.stderr.on("error", ignoreClosedPipe);
  return {
    cwd: process.cwd(),
    variables: process.env,
    outColor: wantsColor(process.env, process.stdout.isTTY === true),
    errColor: wantsColor(process.env, process.stderr.isTTY === true),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

/** FORCE_COLOR decides, then NO_COLOR, then whether it is a terminal that knows colors. */
export function wantsColor(
  variables: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = variables;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return isTerminal && TERM !== "dumb";
}

/** @example bold("Usage", false) // "Usage" */
export function bold(text: string, color: boolean): string {
  return color ? `\u001b[1m${text}\u001b[22m` : text;
}

/** Resolves when everything printed so far has left the process. */
export function flushed(): Promise<void> {
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => stream.write("", () => resolve()));
  return Promise.all([written(process.stdout), written(process.stderr)]).then(() => undefined);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
