import type { AdminServer } from "./control/admin-server.ts";
import { serveAdmin } from "./control/admin-server.ts";
import type { FromOperator, OperatorData, ToOperator } from "./control/protocol.ts";
import { beaconCells } from "./core/beacon.ts";
import { formatDuration } from "./core/duration.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import { secondSignalExit } from "./core/exit.ts";
import type { Logger } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import type { ServiceSnapshot } from "./core/snapshot.ts";
import { describeLeft, forcedReport } from "./observe/forced-report.ts";
import type { HealthView } from "./observe/health.ts";
import { answerHealth } from "./observe/health-answer.ts";
import { told } from "./observe/log-pretty.ts";
import type { LogWriter } from "./observe/log-writer.ts";
import { createLogWriter } from "./observe/log-writer.ts";
import type { Loop } from "./observe/loop-watch.ts";
import { createLoopWatch, describeFreeze } from "./observe/loop-watch.ts";
import type { Oversight } from "./observe/oversight.ts";
import { createOversight } from "./observe/oversight.ts";
import { createStallReport } from "./observe/stall-report.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";
import { detectRuntime } from "./runtime/detect.ts";
import type { Native } from "./runtime/native.ts";
import { openNative } from "./runtime/native-detect.ts";

/** How often the beacon is looked at, in milliseconds: seldom, and often once a stop has a deadline. */
const lookMs = { usual: 250, stopping: 20 } as const;

/** How long the services are ready when what only their start needed is given back, in milliseconds. */
const settleMs = 1_000;

/**
 * What answers for the process while its main loop may be frozen. It knows what main has told it, and what it
 * sees in the beacon.
 */
export class OperatorPlane {
  readonly #data: OperatorData;
  readonly #tell: (message: FromOperator) => void;
  readonly #output: LogWriter;
  readonly #log: Logger;
  readonly #loop: (now: number) => Loop;
  readonly #stallOf = createStallReport();
  readonly #oversight: Oversight;
  readonly #services: Map<string, ServiceSnapshot>;
  #stoppingSince = 0;
  #native: Native | undefined;
  /** When the start was seen to be over, on the clock of `performance.now`. */
  #settledSince: number | undefined;
  #gaveBack = false;
  #admin: AdminServer | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(data: OperatorData, tell: (message: FromOperator) => void) {
    this.#data = data;
    this.#tell = tell;
    this.#output = createLogWriter({ ...data.log, secrets: data.secrets });
    this.#log = createLogger(this.#output.sink, Date.now);
    this.#loop = createLoopWatch(data.beacon, data.services);
    this.#oversight = createOversight(data.budgetMs);
    this.#services = new Map(data.services.map((service) => [service.name, asPending(service)]));
  }

  async start(): Promise<void> {
    const failed = (error: unknown) => this.#log.error("an error in the operator's plane", { error });
    process.on("uncaughtException", failed);
    process.on("unhandledRejection", failed);
    this.#look();
    await this.#listen();
    await this.#watchSignals();
  }

  take(message: Exclude<ToOperator, { type: "begin" }>): void {
    switch (message.type) {
      case "changed":
        for (const snapshot of JSON.parse(message.snapshots) as ServiceSnapshot[]) {
          this.#services.set(snapshot.name, snapshot);
        }
        break;
      case "stopping":
        this.#stoppingSince = Date.now();
        this.#oversight.stopping({
          cause: message.cause,
          budgetMs: message.budgetMs,
          at: performance.now(),
        });
        this.#look();
        break;
      case "close":
        void this.#close();
        break;
    }
  }

  async #listen(): Promise<void> {
    const { admin } = this.#data;
    try {
      if (admin) {
        this.#admin = await serveAdmin(await detectRuntime(), admin.listen, (request) =>
          this.#answer(request),
        );
      }
      this.#tell({ type: "listening", address: this.#admin?.address });
    } catch (error) {
      const { code, hint } = error instanceof SupervisorError ? error : unavailable;
      this.#tell({ type: "notListening", code, message: messageOf(error), hint });
    }
  }

  /** After the listener: compiling takes milliseconds, and the first probe may come before the first signal. */
  async #watchSignals(): Promise<void> {
    const { signals, beacon } = this.#data;
    if (signals === false) return;
    const native = await openNative(beacon, Object.keys(secondSignalExit) as NodeJS.Signals[]);
    native.watchSignals();
    this.#native = native;
    const { limitation } = native;
    if (limitation) this.#log.debug("signals cannot be seen while the event loop is blocked", { limitation });
  }

  #answer(request: Request): Response {
    const { method, headers } = request;
    const {
      status,
      headers: replied,
      body,
    } = answerHealth({ method, url: new URL(request.url), accept: headers.get("accept") }, this.#view());
    return new Response(method === "HEAD" ? null : body, { status, headers: replied });
  }

  #view(): HealthView {
    const { stop } = this.#oversight;
    return {
      name: this.#data.name,
      services: [...this.#services.values()],
      loop: this.#loop(performance.now()),
      ...(stop ? { stopping: { cause: stop.cause, since: this.#stoppingSince } } : {}),
      now: Date.now(),
    };
  }

  /** Looks at the loop, the signals and the time, does what is to be done, and waits for the next look. */
  #look(): void {
    clearTimeout(this.#timer);
    const { beacon, budgetMs } = this.#data;
    const now = performance.now();
    const loop = this.#loop(now);
    const stall = this.#stallOf(loop);
    if (stall) this.#log[stall.level](stall.message, stall.fields);
    this.#native?.watchSignals();
    this.#giveBack(now);
    const signal = beacon[beaconCells.signal] as number;
    const verdict = this.#oversight.look(now, loop, signal, beacon[beaconCells.signals] as number);
    if (verdict.tag === "armed") {
      this.#stoppingSince = Date.now();
      const message = `${verdict.signal} while the event loop is blocked: the process ends in ${formatDuration(budgetMs)} unless main does it before`;
      this.#log.warn(message, told({ signal: verdict.signal, budgetMs }));
    }
    if (verdict.tag === "exit") {
      const blocked = loop.frozen ? `; ${describeFreeze(loop)}` : "";
      this.#endProcess(verdict.code, verdict.why + blocked, now);
    }
    this.#timer = setTimeout(() => this.#look(), this.#oversight.stop ? lookMs.stopping : lookMs.usual);
  }

  /** Once: pages that come back after that are in use. */
  #giveBack(now: number): void {
    if (this.#gaveBack || !this.#native || this.#data.beacon[beaconCells.started] === 0) return;
    this.#settledSince ??= now;
    if (now - this.#settledSince < settleMs) return;
    this.#gaveBack = true;
    try {
      const bytes = this.#native.giveBack();
      if (bytes > 0)
        this.#log.debug("gave back pages of the executable", { bytes, ms: performance.now() - now });
    } catch (error) {
      // Nothing depends on it: the process only keeps what it has.
      this.#log.debug("cannot give back pages of the executable", { error });
    }
  }

  #endProcess(code: number, why: string, now: number): void {
    const { stopReportFile } = this.#data;
    const { stop } = this.#oversight;
    const services = [...this.#services.values()];
    this.#log.fatal(`${why}; not stopped: ${describeLeft(services) || "nothing"}`, { exitCode: code });
    if (stop && stopReportFile) {
      writeStopReport(stopReportFile, forcedReport(stop, services, now - stop.at, Date.now()), this.#log);
    }
    this.#output.flush();
    this.#native?.exit(code);
    // Without a native exit the code is the one of this signal.
    process.kill(process.pid, "SIGKILL");
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#admin?.close();
    this.#native?.release();
    this.#output.flush();
    // Main ends this thread: Bun has no way to from within that leaves the message its time.
    this.#tell({ type: "closed" });
  }
}

const unavailable = { code: "ADDRESS_UNAVAILABLE", hint: "See the message of the runtime." } as const;

function asPending({ name, critical }: { name: string; critical: boolean }): ServiceSnapshot {
  return { name, critical, state: "pending", generation: 0, since: Date.now(), failures: 0 };
}
