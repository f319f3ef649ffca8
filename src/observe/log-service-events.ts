import { formatDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import type { ServiceStop } from "../core/report.ts";
import { describeEnded, describeHeld } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { EventLog } from "./event-log-state.ts";
import { about, firstLine, holding, spaced } from "./event-words.ts";
import { told } from "./log-pretty.ts";

/** With more services than this, one line for each says less than one for all: those lines become debug. */
const mostLines = 50;
/** How often a start or stop of that many shows how far it is, in milliseconds. */
const progressMs = 1_000;

/** Its state, or whether it is paused, is another one. */
export function changed(snapshot: ServiceSnapshot, from: string, state: EventLog): void {
  const { name, generation, since, reason } = snapshot;
  const { log, errors, verbose } = state;
  pauseChanged(snapshot, state);
  // Another generation comes up or serves: what there is to say has events of its own.
  if (from === snapshot.state) return;
  switch (snapshot.state) {
    case "loading":
      if (verbose) log.debug("loading", about(name, generation, {}));
      break;
    case "starting":
      state.startedAt.set(name, since);
      if (verbose) log.debug("starting", about(name, generation, {}));
      break;
    case "stopping":
      // One that hangs or is unwell may take its whole stop_timeout to end; nobody should wait for the news.
      if (errors.get(name) instanceof SupervisorError) {
        log.warn(`stopping it: ${firstLine(reason ?? "it failed")}`, about(name, generation, {}));
      }
      break;
    case "ready":
      errors.delete(name);
      becameReady(snapshot, from, state);
      break;
    case "unhealthy":
      log.warn(`unhealthy: ${reason ?? "its probe failed"}`, about(name, generation, { reason }));
      break;
    case "stopped":
      if (snapshot.stoppedBy) log.info(`stopped by an ${snapshot.stoppedBy}`, about(name, generation, {}));
      break;
    case "completed":
      log.info("completed", about(name, generation, {}));
      break;
    case "backoff":
    case "quarantined":
    case "failed":
      gaveWay(snapshot, state);
      break;
  }
}

function pauseChanged({ name, generation, paused }: ServiceSnapshot, { log, paused: known }: EventLog): void {
  if (known.has(name) === (paused ?? false)) return;
  if (paused) known.add(name);
  else known.delete(name);
  log.info(paused ? "paused: it takes no new work" : "resumed", about(name, generation, {}));
}

function becameReady(snapshot: ServiceSnapshot, from: string, state: EventLog): void {
  const { name, generation, since } = snapshot;
  const { log, urls, startedAt, services, phase, verbose } = state;
  if (from === "unhealthy") {
    log.info("healthy again", about(name, generation, {}));
    return;
  }
  const quiet = phase === "starting" && services > mostLines;
  if (quiet) showProgress(since, state);
  if (quiet && !verbose) return;
  const url = urls.get(name);
  const durationMs = since - (startedAt.get(name) ?? since);
  const fields = about(name, generation, { url: url?.[0], durationMs }, () =>
    [...(url ?? []), `(${spaced(durationMs)})`].join("  "),
  );
  if (quiet) log.debug("ready", fields);
  else log.info("ready", fields);
}

function showProgress(now: number, state: EventLog): void {
  const { log, services, lastProgress } = state;
  state.ready += 1;
  if (now - lastProgress < progressMs) return;
  state.lastProgress = now;
  // The first one only sets the clock: most starts end before there is any progress to tell.
  if (lastProgress === 0) return;
  log.info(`${state.ready} of ${services} services ready`, told({ ready: state.ready, services }));
}

function gaveWay(snapshot: ServiceSnapshot, { log, errors }: EventLog): void {
  const { name, generation, failures, retryAt, since, reason = "no reason known", critical } = snapshot;
  const error = errors.get(name);
  errors.delete(name);
  const wait = formatDuration((retryAt ?? since) - since);
  const fields = about(name, generation, {
    failures,
    ...(retryAt === undefined ? {} : { retryInMs: retryAt - since }),
    error,
  });
  if (error === undefined && snapshot.reason === undefined && retryAt !== undefined) {
    log.info(`completed; starts again in ${wait}`, fields);
    return;
  }
  // The error itself follows; its message would be told twice.
  const why = error === undefined ? `failed: ${reason}` : `failed: ${firstLine(reason)}`;
  if (snapshot.state === "backoff") log.warn(`${why}; retry ${failures} in ${wait}`, fields);
  else if (snapshot.state === "quarantined") {
    log.error(`${why}; quarantined after too many failures, next try in ${wait}`, fields);
  } else log.error(critical ? `${why}; given up, and it is critical` : `${why}; given up`, fields);
}

export function stopped(stop: ServiceStop, { log, services, verbose }: EventLog): void {
  const { service, generation, outcome, durationMs, deadlineMs, startedMs, held, ended, error, leftBehind } =
    stop;
  for (const stray of leftBehind ?? []) {
    const message = `left behind: it was abandoned earlier and has not ended${holding(stray.held)}`;
    log.error(message, about(service, stray.generation, { held: stray.held }));
  }
  const quiet = outcome === "stopped" && !held && services > mostLines;
  if (quiet && !verbose) return;
  const fields = about(service, generation, { outcome, durationMs, held, ended, reason: error }, () => "");
  const took = `stopped (${spaced(durationMs)})${ended ? `, after ending ${describeEnded(ended)}` : ""}`;
  if (outcome === "abandoned") {
    const allowed = formatDuration(deadlineMs - startedMs);
    log.error(`abandoned: it did not stop within ${allowed}${holding(held)}`, fields);
  } else if (outcome === "failed") log.error(`stopped with an error: ${error ?? "unknown"}`, fields);
  else if (outcome !== "stopped") log.debug(outcome, fields);
  else if (held) log.warn(`stopped (${spaced(durationMs)}), after cutting ${describeHeld(held)}`, fields);
  else if (quiet) log.debug(took, fields);
  else log.info(took, fields);
}
