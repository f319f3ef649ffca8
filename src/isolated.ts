import type { MessagePort } from "node:worker_threads";
import { createBeacon } from "./core/beacon.ts";
import { systemClock } from "./core/clock.ts";
import type { Logger, LogSink } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import { nothingHeld } from "./core/report.ts";
import type { Host } from "./group/host.ts";
import type { FetchLink } from "./host/fetch-link.ts";
import { createFetchLink } from "./host/fetch-link.ts";
import { markHooks } from "./host/hook-marks.ts";
import { InlineHost } from "./host/inline.ts";
import { logMessage } from "./host/log-crossing.ts";
import { createOutbox } from "./host/outbox.ts";
import { createQueueFinder } from "./host/queue-finder.ts";
import { createFinder } from "./host/service-finder.ts";
import type { ThreadIntake } from "./host/thread-intake.ts";
import { createThreadIntake } from "./host/thread-intake.ts";
import { startVitals } from "./host/thread-vitals.ts";
import { locatorOf, toWire } from "./host/wire-error.ts";
import type { FromWorker, ToWorker, WorkerData } from "./host/worker-protocol.ts";
import type { IsolatedWork } from "./isolated-work.ts";
import { openIsolatedWork } from "./isolated-work.ts";
import { library } from "./library.ts";
import { loadModule, together } from "./modules/load.ts";
import type { Definition } from "./modules/shape.ts";
import { captureConsole } from "./observe/console-capture.ts";
import { plainFieldValue } from "./observe/plain-value.ts";
import { createRedactor } from "./observe/redact.ts";
import { detectRuntime } from "./runtime/detect.ts";

type Post = (message: FromWorker, urgent?: boolean) => void;

/**
 * Runs one instance of an isolated service: the same host as on the main thread, at the other end of a port. All code
 * here is the service's, so that whatever nobody catches is its failure. Main ends the thread.
 */
export async function runIsolated(data: WorkerData, port: MessagePort): Promise<void> {
  const post: Post = createOutbox((messages: readonly FromWorker[]) => port.postMessage(messages));
  const { service, vitals } = data;
  const sink = sinkTo(post, data);
  const log = createLogger(sink, systemClock.wall);
  captureConsole(log);
  let host: Host | undefined;
  startVitals(vitals, {
    heap: service.worker?.memory !== undefined,
    ...(service.consume || service.schedule ? { held: () => host?.held() ?? nothingHeld } : {}),
  });
  const failed = (error: unknown) => post(["fault", toWire(error)], true);
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", failed);
  const intake = createThreadIntake(service.http !== undefined);
  const link = createFetchLink({ parity: 1, post, serve: intake.serve });
  const paths: (readonly (string | number)[])[] = [];
  let { names } = data;
  try {
    const runtime = await detectRuntime();
    runtime.provideModule("supervisor", library);
    const load = { locate: locatorOf(paths), runtime, clock: systemClock, fresh: false };
    const [[definition], work] = await Promise.all([
      together([service], data.secrets, (each) => loadModule(each, load)),
      openIsolatedWork({ data, sink, log, post }),
    ]);
    const isolated: Isolated = {
      definition: definition as Definition,
      data,
      post,
      link,
      log,
      intake,
      failed,
      names: () => names,
      work,
    };
    const take = (message: ToWorker) => {
      switch (message[0]) {
        case "drained":
          intake.drained();
          break;
        case "claim":
          isolated.work.claim(message[1]);
          break;
        case "names":
          names = message[1];
          isolated.work.adopt(message[2]);
          break;
        case "pause":
        case "resume":
        case "quiet":
          host?.[message[0]]();
          break;
        case "load":
        case "start":
        case "health":
        case "reload":
        case "stop":
        case "runNow":
          if (message[0] === "load") host = hostOf(isolated, message[2]);
          void answer(message, host as Host, isolated);
          break;
        default:
          link.take(message);
      }
    };
    port.on("message", (messages: readonly ToWorker[]) => {
      for (const message of messages) take(message);
    });
    post(["imported"]);
  } catch (error) {
    post(["notImported", toWire(error, paths)]);
  }
}

interface Isolated {
  readonly definition: Definition;
  readonly data: WorkerData;
  readonly post: Post;
  readonly link: FetchLink;
  readonly log: Logger;
  readonly intake: ThreadIntake;
  readonly failed: (error: unknown) => void;
  /** The services that there are. */
  readonly names: () => readonly string[];
  readonly work: IsolatedWork;
}

function hostOf(
  { definition, data, post, link, log, intake, failed, names, work }: Isolated,
  generation: number,
): Host {
  const { service, instance, vitals } = data;
  return new InlineHost({
    name: service.name,
    generation,
    blueprint: () => ({
      create: async (ctx) => markHooks(await definition.create(ctx), vitals),
      config: definition.config,
    }),
    env: { ...service.env, SUPERVISOR_INSTANCE: String(instance) },
    log,
    clock: systemClock,
    beacon: createBeacon(),
    mark: 1,
    intakes: [intake, ...work.entered.intakes],
    startTimeout: service.startTimeout,
    service: createFinder(names, (name, request) => link.call(request, name)),
    queue: createQueueFinder(() => work.names, work.queue),
    report: { failed, completed: () => post(["completed"]), troubled() {} },
    blame: () => () => {},
  });
}

type Question = Extract<
  ToWorker,
  readonly ["load" | "start" | "health" | "reload" | "stop" | "runNow", ...unknown[]]
>;
type Answer = Extract<FromWorker, readonly ["done", ...unknown[]]>[2];

async function answer(question: Question, host: Host, isolated: Isolated): Promise<void> {
  const { post } = isolated;
  const id = question[1];
  try {
    post(["done", id, await answerOf(question, host, isolated)]);
  } catch (error) {
    post(["failed", id, toWire(error)]);
  }
}

async function answerOf(question: Question, host: Host, isolated: Isolated): Promise<Answer> {
  switch (question[0]) {
    case "load":
      await host.load();
      return null;
    case "start":
      await host.start();
      return { probes: host.probes, fetches: isolated.intake.isOpen };
    case "health":
      return host.health();
    case "reload":
      return (await host.reload?.(await nextConfig(question[2], isolated))) ?? false;
    case "stop":
      try {
        await host.stop({ budget: question[2], final: question[3] });
      } finally {
        await isolated.work.close();
      }
      return null;
    case "runNow":
      return (await isolated.work.runNow()) ?? null;
  }
}

/** As the module's own schema wants it. */
async function nextConfig(config: unknown, { definition, data }: Isolated): Promise<unknown> {
  return definition.check ? definition.check({ ...data.service, config }, () => undefined) : config;
}

function sinkTo(post: Post, { secrets, silent }: WorkerData): LogSink {
  const redactor = createRedactor(secrets);
  const plain = (name: string, value: unknown) => plainFieldValue(name, value, redactor);
  const sink: LogSink = (record) => post(logMessage(record, plain), true);
  return Object.assign(sink, { keeps: (level: (typeof silent)[number]) => !silent.includes(level) });
}
