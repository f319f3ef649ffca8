import type { Api } from "./control/api.ts";
import { createApi } from "./control/api.ts";
import type { Known } from "./control/known.ts";
import { createKnown } from "./control/known.ts";
import type { Listeners } from "./control/listeners.ts";
import { createListeners } from "./control/listeners.ts";
import type { PendingCommands } from "./control/pending.ts";
import { createPending } from "./control/pending.ts";
import type { FromOperator, OperatorData, OperatorPlan, ToOperator } from "./control/protocol.ts";
import type { ReadRoute } from "./control/read-route.ts";
import { answerRead } from "./control/read-route.ts";
import type { FrozenLoop, Status, StretchStatus } from "./control/status.ts";
import { statusOf } from "./control/status.ts";
import { buildInfo } from "./core/build-info.ts";
import { systemClock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import { answerHealth } from "./observe/health-answer.ts";
import type { LogWriter } from "./observe/log-writer.ts";
import { createLogWriter } from "./observe/log-writer.ts";
import { describeFreeze } from "./observe/loop-watch.ts";
import type { MainLoop } from "./observe/main-loop.ts";
import { createMainLoop } from "./observe/main-loop.ts";
import { metricsType, renderMetrics } from "./observe/metrics.ts";
import { createRedactor } from "./observe/redact.ts";
import type { OperatorNotices, OperatorNoticesOptions } from "./operator-notices.ts";
import type { OperatorWatch } from "./operator-watch.ts";
import { createOperatorWatch } from "./operator-watch.ts";
import { detectRuntime } from "./runtime/detect.ts";
import type { SystemdLink } from "./systemd-link.ts";

/** How often somebody looks whether the control socket is still there, in milliseconds. */
const lookMs = 2_000;

/**
 * What answers for the process while its main loop may be frozen. It knows what main has told it, and what it
 * sees in the beacon.
 */
export class OperatorPlane {
  #data: OperatorData;
  readonly #tell: (message: FromOperator) => void;
  readonly #output: LogWriter;
  readonly #log: Logger;
  readonly #known: Known;
  readonly #loop: MainLoop;
  readonly #watch: OperatorWatch;
  readonly #commands: PendingCommands;
  readonly #api: Api;
  readonly #listeners: Listeners;
  /** Undefined while nobody has asked for it, and when no systemd listens. */
  #notices: OperatorNotices | undefined;
  #isListening = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #link: Promise<SystemdLink> | undefined;
  #journal: SystemdLink["journal"];
  readonly #metrics: ReadRoute = {
    path: "/metrics",
    type: metricsType,
    body: async () => this.#metricsWith((await buildInfo()).version),
  };

  constructor(data: OperatorData, tell: (message: FromOperator) => void) {
    this.#data = data;
    this.#tell = tell;
    const { text: redact } = createRedactor(data.secrets);
    const known = createKnown(data, redact);
    this.#known = known;
    this.#output = createLogWriter({
      ...data.log,
      secrets: data.secrets,
      copy: known.logs.add,
      journal: { identifier: data.name, send: (entry) => this.#journal?.(entry) ?? false },
    });
    this.#log = createLogger(this.#output.sink, Date.now);
    this.#loop = createMainLoop(data.beacon, data.services, this.#log);
    this.#watch = createOperatorWatch({
      data,
      loop: this.#loop,
      services: () => [...known.services.values()],
      log: this.#log,
      output: this.#output,
      ending: (why) => this.#notices?.ending(redact(why)),
    });
    this.#commands = createPending({
      clock: systemClock,
      post: (id, command, until) => tell({ type: "command", id, command, until }),
      frozen: () => this.#frozen(),
    });
    this.#api = createApi({ known, status: () => this.#status(), send: this.#commands.send, redact });
    this.#listeners = createListeners({
      control: data.control,
      admin: data.admin,
      detectRuntime: async () => {
        const own = await detectRuntime();
        return (await this.#systemd())?.onSockets(own) ?? own;
      },
      answer: (request, entrance) =>
        this.#api.answer(request, entrance) ??
        answerRead(request, entrance, this.#metrics) ??
        this.#health(request),
      tell,
    });
  }

  async start(): Promise<void> {
    const failed = (error: unknown) => this.#log.error("an error in the operator's plane", { error });
    process.on("uncaughtException", failed);
    process.on("unhandledRejection", failed);
    this.#watch.begin();
    await this.#openNotices();
    await this.#listeners.open();
    this.#isListening = true;
    this.#notices?.look();
    // After the listener: compiling takes milliseconds, and the first probe may come before the first signal.
    await this.#watch.watchSignals();
    this.#timer = setInterval(() => void this.#listeners.look(), lookMs);
  }

  take(message: Exclude<ToOperator, { type: "begin" }>): void {
    switch (message.type) {
      case "events":
      case "lines":
      case "work":
        this.#known.take(message);
        break;
      case "changed":
        this.#known.take(message);
        this.#notices?.look();
        break;
      case "reloading":
        this.#notices?.reloading();
        break;
      case "reload":
        this.#known.take(message);
        this.#notices?.reloaded(message.reload.problems?.[0]?.message);
        break;
      case "plan":
        this.#known.take(message);
        this.#adopt(message.plan);
        break;
      case "listen":
        void this.#listeners.move(message.admin);
        break;
      case "accepted":
        this.#commands.accepted(message.id);
        break;
      case "result":
        this.#commands.finished(message.id, message.result);
        break;
      case "stopping":
        this.#watch.stopping(message.cause, message.budgetMs);
        this.#notices?.look();
        break;
      case "close":
        void this.#close();
        break;
    }
  }

  /** Nothing of it is loaded when no systemd has started the process. */
  async #systemd(): Promise<SystemdLink | undefined> {
    const { inherited } = this.#data;
    if (!inherited) return undefined;
    this.#link ??= import("./systemd-link.ts").then(({ linkSystemd }) => linkSystemd(inherited));
    return this.#link;
  }

  async #openNotices(): Promise<void> {
    const { inherited, beacon, log } = this.#data;
    if (log.format === "journal") this.#journal = (await this.#systemd())?.journal;
    if (inherited?.notifySocket === undefined) return;
    const link = await this.#systemd();
    if (!link) return;
    const { createOperatorNotices } = await import("./operator-notices.ts");
    if (!link.notify) this.#log.warn("systemd cannot be told that this is ready: no C library can be called");
    this.#notices = createOperatorNotices({
      link,
      watchdogMs: inherited.watchdogMs,
      beacon,
      sight: () => this.#sight(),
    });
  }

  #sight(): ReturnType<OperatorNoticesOptions["sight"]> {
    const { stop } = this.#watch;
    const left = stop && stop.since + stop.budgetMs - Date.now();
    return {
      services: [...this.#known.services.values()],
      retries: this.#data.retries ?? {},
      isListening: this.#isListening,
      isFrozen: this.#loop.state(performance.now()).frozen,
      ...(stop && left !== undefined
        ? { stop: { cause: stop.cause, endsAt: performance.now() + left } }
        : {}),
    };
  }

  #adopt({ services, budgetMs, log, secrets }: OperatorPlan): void {
    this.#data = { ...this.#data, services, budgetMs, log, secrets };
    this.#output.change({ ...log, secrets });
    this.#loop.adopt(services);
    this.#watch.adopt(budgetMs);
  }

  #health(request: Request): Response {
    const { method, headers } = request;
    const question = { method, url: new URL(request.url), accept: headers.get("accept") };
    const { stop } = this.#watch;
    const delay = this.#loop.delay();
    const answer = answerHealth(question, {
      name: this.#data.name,
      services: [...this.#known.services.values()],
      loop: this.#loop.state(performance.now()),
      ...(delay ? { delay } : {}),
      ...(stop ? { stopping: stop } : {}),
      now: Date.now(),
    });
    const { status, headers: replied, body } = answer;
    return new Response(method === "HEAD" ? null : body, { status, headers: replied });
  }

  #metricsWith(version: string): string {
    const status = this.#status();
    return renderMetrics({
      ...status,
      version,
      now: status.startedAt + status.uptimeMs,
      reloads: this.#known.reloads,
      frozen: status.frozen !== undefined,
      stopping: status.stopping !== undefined,
      delay: status.loop?.delayMs,
      longestMs: (service) => this.#longest(service)?.ms,
      work: this.#known.work,
    });
  }

  #status(): Status {
    const { stop } = this.#watch;
    const frozen = this.#frozen();
    const delay = this.#loop.delay();
    const { address } = this.#listeners;
    return statusOf({
      data: this.#data,
      known: this.#known,
      now: Date.now(),
      rssBytes: process.memoryUsage.rss(),
      longest: (service) => this.#longest(service),
      ...(address ? { admin: address } : {}),
      ...(delay ? { loop: { delayMs: delay } } : {}),
      ...(frozen ? { frozen } : {}),
      ...(stop ? { stopping: stop } : {}),
    });
  }

  #longest(service: string): StretchStatus | undefined {
    const stretch = this.#loop.longest(service);
    return stretch && { ms: Math.round(stretch.ms), certain: stretch.certain, at: stretch.at };
  }

  #frozen(): FrozenLoop | undefined {
    const loop = this.#loop.state(performance.now());
    if (!loop.frozen) return undefined;
    const { forMs, service } = loop;
    const message = describeFreeze(loop);
    return { message, forMs: Math.round(forMs), ...(service === undefined ? {} : { service }) };
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.#notices?.close();
    this.#watch.end();
    this.#api.close();
    await this.#listeners.close();
    this.#watch.release();
    this.#output.flush();
    // Main ends this thread: Bun has no way to from within that leaves the message its time.
    this.#tell({ type: "closed" });
  }
}
