import type { AdminServer } from "./control/admin-server.ts";
import { serveAdmin } from "./control/admin-server.ts";
import type { Api } from "./control/api.ts";
import { createApi } from "./control/api.ts";
import { releaseInstance } from "./control/claim.ts";
import type { ControlServer } from "./control/control-server.ts";
import { serveControl } from "./control/control-server.ts";
import type { Known } from "./control/known.ts";
import { createKnown } from "./control/known.ts";
import type { PendingCommands } from "./control/pending.ts";
import { createPending } from "./control/pending.ts";
import type { FromOperator, OperatorData, OperatorPlan, ToOperator } from "./control/protocol.ts";
import type { FrozenLoop, Status, StretchStatus } from "./control/status.ts";
import { statusOf } from "./control/status.ts";
import { beaconCells } from "./core/beacon.ts";
import { systemClock } from "./core/clock.ts";
import { formatDuration } from "./core/duration.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import type { Logger } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import type { Address, AdminPlan } from "./core/plan.ts";
import { formatAddress } from "./core/plan.ts";
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
import { createRedactor } from "./observe/redact.ts";
import { createStallReport } from "./observe/stall-report.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";
import { createStretchReport } from "./observe/stretch-report.ts";
import type { LoopDelay, Stretches } from "./observe/stretches.ts";
import { createStretches } from "./observe/stretches.ts";
import { detectRuntime } from "./runtime/detect.ts";
import type { Native } from "./runtime/native.ts";
import { openNative } from "./runtime/native-detect.ts";
import type { Runtime } from "./runtime/runtime.ts";

/** How often the beacon is looked at, in milliseconds: often enough to see who holds it, oftener once a stop has a deadline. */
const lookMs = { usual: 100, stopping: 20 } as const;

/** How long the services are ready when what only their start needed is given back, in milliseconds. */
const settleMs = 1_000;

/**
 * What answers for the process while its main loop may be frozen. It knows what main has told it, and what it
 * sees in the beacon.
 */
export class OperatorPlane {
  #data: OperatorData;
  readonly #tell: (message: FromOperator) => void;
  readonly #output: LogWriter;
  readonly #log: Logger;
  #loop: (now: number) => Loop;
  readonly #stallOf = createStallReport();
  readonly #stretches: Stretches;
  readonly #stretchOf = createStretchReport((mark) => this.#data.services[mark - 1]?.name);
  #wasFrozen = false;
  #oversight: Oversight;
  readonly #known: Known;
  readonly #commands: PendingCommands;
  readonly #api: Api;
  #stoppingSince = 0;
  #native: Native | undefined;
  /** When the start was seen to be over, on the clock of `performance.now`. */
  #settledSince: number | undefined;
  #gaveBack = false;
  #admin: AdminServer | undefined;
  #control: ControlServer | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(data: OperatorData, tell: (message: FromOperator) => void) {
    this.#data = data;
    this.#tell = tell;
    const { text: redact } = createRedactor(data.secrets);
    const known = createKnown(data, redact);
    this.#known = known;
    this.#output = createLogWriter({ ...data.log, secrets: data.secrets, copy: known.logs.add });
    this.#log = createLogger(this.#output.sink, Date.now);
    this.#loop = createLoopWatch(data.beacon, data.services);
    this.#stretches = createStretches(data.beacon);
    this.#oversight = createOversight(data.budgetMs);
    this.#commands = createPending({
      clock: systemClock,
      post: (id, command, until) => tell({ type: "command", id, command, until }),
      frozen: () => this.#frozen(),
    });
    this.#api = createApi({
      known,
      status: () => this.#status(),
      send: this.#commands.send,
      redact,
    });
  }

  async start(): Promise<void> {
    const failed = (error: unknown) => this.#log.error("an error in the operator's plane", { error });
    process.on("uncaughtException", failed);
    process.on("unhandledRejection", failed);
    this.#look();
    const runtime = await detectRuntime();
    this.#openControl(runtime);
    await this.#listenOn(this.#data.admin);
    await this.#watchSignals();
  }

  take(message: Exclude<ToOperator, { type: "begin" }>): void {
    switch (message.type) {
      case "changed":
      case "events":
      case "lines":
      case "reload":
        this.#known.take(message);
        break;
      case "plan":
        this.#known.take(message);
        this.#adopt(message.plan);
        break;
      case "listen":
        void this.#move(message.admin);
        break;
      case "accepted":
        this.#commands.accepted(message.id);
        break;
      case "result":
        this.#commands.finished(message.id, message.result);
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

  /** Services run without it, too: a container may have no folder that can be written to. */
  #openControl(runtime: Runtime): void {
    const { control } = this.#data;
    if (!control) return;
    try {
      this.#control = serveControl(
        runtime,
        control,
        (request) => this.#api.answer(request, { tag: "socket" }) ?? this.#health(request),
      );
    } catch (error) {
      const { code, hint } = error instanceof SupervisorError ? error : unavailable;
      this.#tell({ type: "missing", code, message: messageOf(error), hint });
    }
  }

  /** Tells main how it went, and returns whether it went well. */
  async #listenOn(admin: AdminPlan | false): Promise<boolean> {
    try {
      this.#admin = admin ? await this.#serve(await detectRuntime(), admin) : undefined;
      this.#tell({ type: "listening", address: this.#admin?.address });
      return true;
    } catch (error) {
      const { code, hint } = error instanceof SupervisorError ? error : unavailable;
      this.#tell({ type: "notListening", code, message: messageOf(error), hint });
      return false;
    }
  }

  #serve(runtime: Runtime, { listen }: AdminPlan): Promise<AdminServer> {
    const entrance = (address: Address) => {
      // Read for each request: a reload may bring another token.
      const { token, readOnly = false } = this.#data.admin || {};
      return { tag: "admin", address, readOnly, ...(token === undefined ? {} : { token }) } as const;
    };
    return serveAdmin(
      runtime,
      listen,
      (request, address) => this.#api.answer(request, entrance(address)) ?? this.#health(request),
    );
  }

  /** The new address is bound before the old one is left: when it cannot be, nothing has changed. */
  async #move(admin: AdminPlan | false): Promise<void> {
    const { admin: before } = this.#data;
    const stays = admin && before && formatAddress(admin.listen) === formatAddress(before.listen);
    const old = this.#admin;
    if (!stays && !(await this.#listenOn(admin))) return;
    this.#data = { ...this.#data, admin };
    if (stays) this.#tell({ type: "listening", address: old?.address });
    else await old?.close();
  }

  #adopt({ services, budgetMs, log, secrets }: OperatorPlan): void {
    this.#data = { ...this.#data, services, budgetMs, log, secrets };
    this.#output.change({ ...log, secrets });
    this.#loop = createLoopWatch(this.#data.beacon, services);
    // A stop that has begun keeps the budget that it began with.
    if (!this.#oversight.stop) this.#oversight = createOversight(budgetMs);
  }

  /** After the listener: compiling takes milliseconds, and the first probe may come before the first signal. */
  async #watchSignals(): Promise<void> {
    const { signals, beacon } = this.#data;
    if (signals === false) return;
    const native = await openNative(beacon, stopSignals);
    native.watchSignals();
    this.#native = native;
    const { limitation } = native;
    if (limitation) this.#log.debug("signals cannot be seen while the event loop is blocked", { limitation });
  }

  #health(request: Request): Response {
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
      services: [...this.#known.services.values()],
      loop: this.#loop(performance.now()),
      ...this.#delay(),
      ...(stop ? { stopping: { cause: stop.cause, since: this.#stoppingSince } } : {}),
      now: Date.now(),
    };
  }

  #status(): Status {
    const { stop } = this.#oversight;
    const frozen = this.#frozen();
    const { delay } = this.#delay();
    const marks = new Map(this.#data.services.map(({ name }, index) => [name, index + 1]));
    return statusOf({
      data: this.#data,
      known: this.#known,
      now: Date.now(),
      rssBytes: process.memoryUsage.rss(),
      longest: (service) => this.#longest(marks.get(service)),
      ...(delay ? { loop: { delayMs: delay } } : {}),
      ...(frozen ? { frozen } : {}),
      ...(stop ? { stopping: { cause: stop.cause, since: this.#stoppingSince } } : {}),
    });
  }

  #delay(): { readonly delay?: LoopDelay } {
    const delay = this.#stretches.delay();
    return delay ? { delay } : {};
  }

  #longest(mark: number | undefined): StretchStatus | undefined {
    const stretch = mark === undefined ? undefined : this.#stretches.longest(mark);
    return stretch && { ms: Math.round(stretch.ms), certain: stretch.certain, at: stretch.at };
  }

  #frozen(): FrozenLoop | undefined {
    const loop = this.#loop(performance.now());
    if (!loop.frozen) return undefined;
    const { forMs, service } = loop;
    const message = describeFreeze(loop);
    return { message, forMs: Math.round(forMs), ...(service === undefined ? {} : { service }) };
  }

  /** Looks at the loop, the signals and the time, does what is to be done, and waits for the next look. */
  #look(): void {
    clearTimeout(this.#timer);
    const { beacon, budgetMs } = this.#data;
    const now = performance.now();
    const loop = this.#loop(now);
    const stall = this.#stallOf(loop);
    if (stall) this.#log[stall.level](stall.message, stall.fields);
    this.#tellStretches(now, loop.frozen);
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

  /** A freeze has its own records, and before the services are ready their modules take their time. */
  #tellStretches(now: number, frozen: boolean): void {
    const stretches = this.#stretches.look(now, Date.now());
    const isQuiet = this.#wasFrozen || this.#data.beacon[beaconCells.started] === 0;
    this.#wasFrozen = frozen;
    for (const stretch of isQuiet ? [] : stretches) {
      const record = this.#stretchOf(stretch);
      if (record) this.#log[record.level](record.message, record.fields);
    }
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
    const services = [...this.#known.services.values()];
    this.#log.fatal(`${why}; not stopped: ${describeLeft(services) || "nothing"}`, { exitCode: code });
    if (stop && stopReportFile) {
      writeStopReport(stopReportFile, forcedReport(stop, services, now - stop.at, Date.now()), this.#log);
    }
    this.#output.flush();
    if (this.#data.control) releaseInstance(this.#data.control);
    this.#native?.exit(code);
    // Without a native exit the code is the one of this signal.
    process.kill(process.pid, "SIGKILL");
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#api.close();
    await Promise.all([this.#control?.close(), this.#admin?.close()]);
    this.#native?.release();
    this.#output.flush();
    // Main ends this thread: Bun has no way to from within that leaves the message its time.
    this.#tell({ type: "closed" });
  }
}

/** SIGHUP is not among them: it reloads, and what reloads is blocked. */
const stopSignals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

const unavailable = { code: "ADDRESS_UNAVAILABLE", hint: "See the message of the runtime." } as const;
