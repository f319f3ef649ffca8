import { hasEndedInOrder } from "../control/client.ts";
import { SupervisorError } from "../core/errors.ts";
import { ExitCode } from "../core/exit.ts";
import type { InstanceOptions } from "./instance.ts";
import { errorIn, instanceOf, printError } from "./instance.ts";
import type { Terminal } from "./terminal.ts";

export interface LinesOptions extends InstanceOptions {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly json?: boolean;
}

/** A record of a stream, as people read it: without its line feed. */
export type LineFormat = (record: Readonly<Record<string, unknown>>, color: boolean) => string;

const mostLines = 100_000;

/** Prints the records of a stream until it ends, and returns the exit code. @throws SupervisorError USAGE */
export async function printLines(
  path: string,
  query: string,
  options: LinesOptions,
  terminal: Terminal,
  format: LineFormat,
): Promise<number> {
  const { follow = false, lines = "100", json = false } = options;
  if (!/^\d+$/.test(lines) || Number(lines) > mostLines) {
    const hint = `Write a number from 0 to ${mostLines.toLocaleString("en-US")}, like 20.`;
    throw new SupervisorError("USAGE", `--lines cannot be "${lines}"`, hint);
  }
  const client = await instanceOf(options, terminal);
  const answer = await client.lines(`${path}?n=${lines}&follow=${follow}${query}`);
  if ("status" in answer) {
    const error = errorIn(answer);
    if (error) printError(error, terminal);
    return ExitCode.refused;
  }
  const color = terminal.outColor;
  let idle = true;
  const print = async () => {
    for await (const line of answer) {
      idle = false;
      terminal.out(`${json ? line : format(recordOf(line), color)}\n`);
      if (terminal.outClosed) return;
    }
  };
  const isLeft = () => {
    // An empty line, like the API's own, asks whether somebody still reads.
    if (idle && terminal.outPiped) terminal.out("\n");
    idle = true;
    return terminal.outClosed;
  };
  const reason = await untilLeft(print(), isLeft);
  if (!follow || reason === "left" || terminal.outClosed) return ExitCode.clean;
  if (await hasEndedInOrder(client.socket)) {
    terminal.err("supervisor: it has ended\n");
    return ExitCode.clean;
  }
  const hint =
    "What ended it may stand in the journal of the system; see whether it runs again: supervisor status.";
  throw new SupervisorError("NOT_RUNNING", "The supervisor is gone: it was ended from outside", hint);
}

const idleMs = 5_000;

/** Resolves with `printing`, or soon after its reader has gone: there may be nothing to print for hours. */
async function untilLeft(printing: Promise<void>, isLeft: () => boolean): Promise<"over" | "left"> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const left = new Promise<"left">((resolve) => {
    timer = setInterval(() => isLeft() && resolve("left"), idleMs);
  });
  try {
    return await Promise.race([printing.then(() => "over" as const), left]);
  } finally {
    clearInterval(timer);
  }
}

function recordOf(line: string): Readonly<Record<string, unknown>> {
  return JSON.parse(line) as Readonly<Record<string, unknown>>;
}
