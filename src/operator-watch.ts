import { releaseInstance } from "./control/claim.ts";
import type { OperatorData } from "./control/protocol.ts";
import { beaconCells } from "./core/beacon.ts";
import { formatDuration } from "./core/duration.ts";
import type { Logger } from "./core/log.ts";
import type { StopCause } from "./core/report.ts";
import type { ServiceSnapshot } from "./core/snapshot.ts";
import { describeLeft, forcedReport } from "./observe/forced-report.ts";
import { told } from "./observe/log-pretty.ts";
import type { LogWriter } from "./observe/log-writer.ts";
import { describeFreeze } from "./observe/loop-watch.ts";
import type { MainLoop } from "./observe/main-loop.ts";
import { createOversight } from "./observe/oversight.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";
import type { Native } from "./runtime/native.ts";
import { openNative } from "./runtime/native-detect.ts";

export interface OperatorWatchOptions {
  readonly data: OperatorData;
  readonly loop: MainLoop;
  /** As far as main has told of them. */
  readonly services: () => readonly ServiceSnapshot[];
  readonly log: Logger;
  readonly output: LogWriter;
  /** Told why the process is about to be ended. */
  readonly ending?: (why: string) => void;
}

/** Watches over main, whose loop may be frozen: keeps the budget of the stop, and ends the process when main does not. */
export interface OperatorWatch {
  /** The stop as far as it is known here; `since` is in milliseconds since 1970. */
  readonly stop: { readonly cause: StopCause; readonly since: number; readonly budgetMs: number } | undefined;
  /** Looks now, and from now on. */
  begin(): void;
  /** Sees stop signals also while main is frozen. Never rejects. */
  watchSignals(): Promise<void>;
  /** Main says that it stops. */
  stopping(cause: StopCause, budgetMs: number): void;
  /** A stop may take so long now. One that has begun keeps the budget that it began with. */
  adopt(budgetMs: number): void;
  /** Looks no more. */
  end(): void;
  /** Leaves the signals to main. */
  release(): void;
}

/** How often the beacon is looked at, in milliseconds: often enough to see who holds it, oftener once a stop has a deadline. */
const lookMs = { usual: 100, stopping: 20 } as const;

/** How long the services are ready when what only their start needed is given back, in milliseconds. */
const settleMs = 1_000;

/** SIGHUP is not among them: it reloads, and what reloads is blocked. */
const stopSignals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

export function createOperatorWatch(options: OperatorWatchOptions): OperatorWatch {
  const { data, loop: mainLoop, log } = options;
  const { beacon } = data;
  let { budgetMs } = data;
  let oversight = createOversight(budgetMs);
  let stoppingSince = 0;
  let native: Native | undefined;
  /** When the start was seen to be over, on the clock of `performance.now`. */
  let settledSince: number | undefined;
  let gaveBack = false;
  let hasTurn = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Looks at the loop, the signals and the time, does what is to be done, and waits for the next look. */
  function look(): void {
    clearTimeout(timer);
    const now = performance.now();
    const loop = mainLoop.look(now);
    watchInTurn();
    giveBack(now);
    const signal = beacon[beaconCells.signal] as number;
    const verdict = oversight.look(now, loop, signal, beacon[beaconCells.signals] as number);
    if (verdict.tag === "armed") {
      stoppingSince = Date.now();
      const message = `${verdict.signal} while the event loop is blocked: the process ends in ${formatDuration(budgetMs)} unless main does it before`;
      log.warn(message, told({ signal: verdict.signal, budgetMs }));
    }
    if (verdict.tag === "exit") {
      const blocked = loop.frozen ? `; ${describeFreeze(loop)}` : "";
      endProcess(verdict.code, verdict.why + blocked, now);
    }
    timer = setTimeout(look, oversight.stop ? lookMs.stopping : lookMs.usual);
  }

  /** The turn comes when no other group of this process has it. */
  function watchInTurn(): void {
    if (!native || !data.signalTurn) return;
    hasTurn ||= Atomics.compareExchange(data.signalTurn, 0, 0, 1) === 0;
    if (hasTurn) native.watchSignals();
  }

  /** Once: pages that come back after that are in use. */
  function giveBack(now: number): void {
    if (gaveBack || !native || beacon[beaconCells.started] === 0) return;
    settledSince ??= now;
    if (now - settledSince < settleMs) return;
    gaveBack = true;
    try {
      const bytes = native.giveBack();
      if (bytes > 0) log.debug("gave back pages of the executable", { bytes, ms: performance.now() - now });
    } catch (error) {
      // Nothing depends on it: the process only keeps what it has.
      log.debug("cannot give back pages of the executable", { error });
    }
  }

  function endProcess(code: number, why: string, now: number): void {
    const { stopReportFile, control } = data;
    const { stop } = oversight;
    const services = options.services();
    const message = `${why}; not stopped: ${describeLeft(services) || "nothing"}`;
    log.fatal(message, { exitCode: code });
    options.ending?.(message);
    if (stop && stopReportFile) {
      writeStopReport(stopReportFile, forcedReport(stop, services, now - stop.at, Date.now()), log);
    }
    options.output.flush();
    if (control) releaseInstance(control);
    native?.exit(code);
    // Without a native exit the code is the one of this signal.
    process.kill(process.pid, "SIGKILL");
  }

  return {
    get stop() {
      const { stop } = oversight;
      return stop && { cause: stop.cause, since: stoppingSince, budgetMs: stop.budgetMs };
    },
    begin: look,
    async watchSignals() {
      if (!data.signalTurn) return;
      native = await openNative(beacon, stopSignals);
      watchInTurn();
      const { limitation } = native;
      if (limitation) log.debug("signals cannot be seen while the event loop is blocked", { limitation });
    },
    stopping(cause, budget) {
      stoppingSince = Date.now();
      oversight.stopping({ cause, budgetMs: budget, at: performance.now() });
      look();
    },
    adopt(budget) {
      budgetMs = budget;
      if (!oversight.stop) oversight = createOversight(budget);
    },
    end: () => clearTimeout(timer),
    release() {
      if (!hasTurn) return;
      native?.release();
      if (data.signalTurn) Atomics.store(data.signalTurn, 0, 0);
    },
  };
}
