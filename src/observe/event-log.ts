import { formatDuration } from "../core/duration.ts";
import type { Listener, SupervisorEvent } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import type { EventLog } from "./event-log-state.ts";
import { about, count, holding, spaced } from "./event-words.ts";
import {
  groupReady,
  groupStopped,
  groupStopping,
  reloaded,
  reloadFailed,
  servicesWaiting,
} from "./log-group-events.ts";
import { told } from "./log-pretty.ts";
import { changed, stopped } from "./log-service-events.ts";

/**
 * Turns events into log records of `log`: a sentence for people, fields for machines. Records about a
 * service carry it in the field `service`.
 */
export function logEvents(log: Logger): Listener {
  const state: EventLog = {
    log,
    urls: new Map(),
    startedAt: new Map(),
    paused: new Set(),
    errors: new Map(),
    services: 0,
    ready: 0,
    lastProgress: 0,
    phase: "starting",
    // Asked each time: a reload may change the level.
    get verbose() {
      return log.keeps?.("debug") ?? true;
    },
  };
  return (event) => record(event, state);
}

function record(event: SupervisorEvent, state: EventLog): void {
  const { log } = state;
  switch (event.type) {
    case "groupStarting":
      state.services = event.services;
      log.info(`starting ${count(event.services)}`, told({ services: event.services }));
      break;
    case "listening":
      listening(event.service ?? "", event.url, state);
      break;
    case "serviceFailed":
      // While the group stops, nothing follows but the end of the service.
      if (state.phase === "stopping") {
        const { service, generation, error } = event;
        log.error("failed during the stop", about(service, generation, { error }));
      } else state.errors.set(event.service, event.error);
      break;
    case "generationAbandoned": {
      const { service, generation, held, allowedMs } = event;
      const message = `abandoned: it did not stop within ${formatDuration(allowedMs)}${holding(held)}`;
      log.error(message, about(service, generation, { held }));
      break;
    }
    case "serviceChanged":
      changed(event.snapshot, event.from, state);
      break;
    case "serviceReplaced": {
      const { service, from, to, durationMs } = event;
      log.info(
        `replaced generation ${from} (${spaced(durationMs)})`,
        about(service, to, { from, durationMs }),
      );
      break;
    }
    case "serviceReplaceFailed": {
      const { service, generation, error } = event;
      const message = `generation ${generation} never became ready; the one before it goes on`;
      log.error(message, about(service, generation, { error }));
      break;
    }
    case "reloaded":
      reloaded(event.changes, log);
      break;
    case "reloadFailed":
      reloadFailed(event.problems, log);
      break;
    case "groupReady":
      state.phase = "running";
      groupReady(event, state);
      break;
    case "groupStopping":
      state.phase = "stopping";
      groupStopping(event, log);
      break;
    case "serviceStopped":
      stopped(event.stop, state);
      break;
    case "groupStopped":
      groupStopped(event.report, log);
      break;
    case "servicesWaiting":
      servicesWaiting(event.waits, log);
      break;
    case "errorLeftBehind": {
      const { service, generation, error } = event;
      const whose = generation === undefined ? "while it does not run" : "of a generation that has ended";
      log.error(
        `an error that nobody caught, ${whose}: nothing follows`,
        about(service, generation, { error }),
      );
      break;
    }
    case "errorUnattributed":
      log.error("an error that nobody caught, and that no service could be blamed for", {
        error: event.error,
      });
      break;
  }
}

function listening(service: string, url: string, { log, urls, verbose, phase }: EventLog): void {
  const known = urls.get(service);
  if (known) known.push(url);
  else urls.set(service, [url]);
  // A start that fails at once is over before the address is there.
  if (service === "" && phase !== "stopping") log.info(`health at ${url}`, told({ url }));
  else if (service !== "" && verbose) log.debug(`listening on ${url}`, about(service, undefined, { url }));
}
