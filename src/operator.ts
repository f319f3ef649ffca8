import type { MessagePort } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import type { AdminServer } from "./control/admin-server.ts";
import { serveAdmin } from "./control/admin-server.ts";
import type { FromOperator, OperatorData, ToOperator } from "./control/protocol.ts";
import { beaconCells } from "./core/beacon.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import { secondSignalExit } from "./core/exit.ts";
import { createLogger } from "./core/log.ts";
import type { ServiceSnapshot } from "./core/snapshot.ts";
import { describeLeft, forcedReport } from "./observe/forced-report.ts";
import type { HealthView } from "./observe/health.ts";
import { answerHealth } from "./observe/health-answer.ts";
import { createLogWriter } from "./observe/log-writer.ts";
import { createLoopWatch, describeFreeze } from "./observe/loop-watch.ts";
import { createOversight } from "./observe/oversight.ts";
import { createStallReport } from "./observe/stall-report.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";
import { detectRuntime } from "./runtime/detect.ts";
import type { Native } from "./runtime/native.ts";
import { openNative } from "./runtime/native.ts";

/*
 * The operator's plane: a thread that answers for the process while its main loop may be frozen. It knows
 * what main has told it, and what it sees in the beacon.
 */

/** How often the beacon is looked at, in milliseconds: seldom, and often once a stop has a deadline. */
const lookMs = { usual: 250, stopping: 20 } as const;

const data = workerData as OperatorData;
const port = parentPort as MessagePort;
const { beacon } = data;
const output = createLogWriter({ ...data.log, secrets: data.secrets });
const log = createLogger(output.sink, Date.now);
const loopNow = createLoopWatch(beacon, data.services);
const stallOf = createStallReport();
const oversight = createOversight(data.budgetMs);
const services = new Map<string, ServiceSnapshot>(
  data.services.map((service) => [service.name, asPending(service)]),
);
let stoppingSince = 0;
let native: Native | undefined;
let admin: AdminServer | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

process.on("uncaughtException", (error) => log.error("an error in the operator's plane", { error }));
process.on("unhandledRejection", (error) => log.error("an error in the operator's plane", { error }));
port.on("message", (message: ToOperator) => take(message));
look();
await listen();
await watchSignals();

function take(message: ToOperator): void {
  switch (message.type) {
    case "changed":
      for (const snapshot of message.snapshots) services.set(snapshot.name, snapshot);
      break;
    case "stopping":
      stoppingSince = Date.now();
      oversight.stopping({ cause: message.cause, budgetMs: message.budgetMs, at: performance.now() });
      look();
      break;
    case "close":
      void close();
      break;
  }
}

async function listen(): Promise<void> {
  try {
    if (data.admin) admin = await serveAdmin(await detectRuntime(), data.admin.listen, answer);
    tell({ type: "listening", address: admin?.address });
  } catch (error) {
    const { code, hint } = error instanceof SupervisorError ? error : unavailable;
    tell({ type: "notListening", code, message: messageOf(error), hint });
  }
}

const unavailable = { code: "ADDRESS_UNAVAILABLE", hint: "See the message of the runtime." } as const;

/** After the listener: compiling takes a few milliseconds, and the first probe may come before the first signal. */
async function watchSignals(): Promise<void> {
  if (data.signals === false) return;
  const opened = await openNative(beacon, Object.keys(secondSignalExit) as NodeJS.Signals[]);
  opened.watchSignals();
  native = opened;
  const { limitation } = opened;
  if (limitation) log.debug("signals cannot be seen while the event loop is blocked", { limitation });
}

function answer(request: Request): Response {
  const { method, headers } = request;
  const {
    status,
    headers: replied,
    body,
  } = answerHealth({ method, url: new URL(request.url), accept: headers.get("accept") }, view());
  return new Response(method === "HEAD" ? null : body, { status, headers: replied });
}

function view(): HealthView {
  const { stop } = oversight;
  return {
    name: data.name,
    services: [...services.values()],
    loop: loopNow(performance.now()),
    ...(stop ? { stopping: { cause: stop.cause, since: stoppingSince } } : {}),
    now: Date.now(),
  };
}

/** Looks at the loop, the signals and the time, and does what is to be done; then waits for the next look. */
function look(): void {
  clearTimeout(timer);
  const now = performance.now();
  const loop = loopNow(now);
  const stall = stallOf(loop);
  if (stall) log[stall.level](stall.message, stall.fields);
  native?.watchSignals();
  const signals = beacon[beaconCells.signals] as number;
  const verdict = oversight.look(now, loop, beacon[beaconCells.signal] as number, signals);
  if (verdict.tag === "armed") {
    stoppingSince = Date.now();
    log.warn(
      `stopping (${verdict.signal}) while the event loop is blocked: main has this long to come back`,
      {
        budgetMs: data.budgetMs,
      },
    );
  }
  if (verdict.tag === "exit") {
    const blocked = loop.frozen ? `; ${describeFreeze(loop)}` : "";
    endProcess(verdict.code, verdict.why + blocked, now);
  }
  timer = setTimeout(look, oversight.stop ? lookMs.stopping : lookMs.usual);
}

function endProcess(code: number, why: string, now: number): void {
  const snapshots = [...services.values()];
  const left = describeLeft(snapshots);
  log.fatal(`${why}; not stopped: ${left || "nothing"}`, { exitCode: code });
  const { stop } = oversight;
  if (stop && data.stopReportFile) {
    const report = forcedReport(stop, snapshots, now - stop.at, Date.now());
    writeStopReport(data.stopReportFile, report, log);
  }
  output.flush();
  if (native) native.exit(code);
  process.kill(process.pid, "SIGKILL");
}

async function close(): Promise<void> {
  clearTimeout(timer);
  await admin?.close();
  native?.release();
  output.flush();
  tell({ type: "closed" });
  process.exit(0);
}

function tell(message: FromOperator): void {
  port.postMessage(message);
}

function asPending({ name, critical }: { name: string; critical: boolean }): ServiceSnapshot {
  return { name, critical, state: "pending", generation: 0, since: Date.now(), failures: 0 };
}
