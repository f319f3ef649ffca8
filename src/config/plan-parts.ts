import { basename, dirname } from "node:path";
import type { Address, AdminPlan, HttpPlan, Plan, ServicePlan, WorkerPlan } from "../core/plan.ts";
import { executableName, sealed } from "../core/sealed.ts";
import type { Draft } from "./draft.ts";
import { makeBrokers, makeConsume, makeSchedule } from "./plan-queues.ts";
import type { HeadSettings, HttpSettings } from "./schema.ts";

/** Puts the plan together from settings without problems. Deeply frozen, `services` too. */
export function makePlan(
  file: string,
  head: HeadSettings,
  services: readonly ServicePlan[],
  secrets: Iterable<string>,
  variables: Readonly<Record<string, string | undefined>>,
): Plan {
  const { level, format } = head.log;
  const { timeout, delay, order, streams_timeout: streamsTimeout } = head.shutdown;
  const brokers = makeBrokers(head.brokers, services, dirname(file), variables.STATE_DIRECTORY);
  return Object.freeze({
    name: head.name ?? nameOfFolder(file),
    file,
    admin: makeAdmin(head.admin),
    log: Object.freeze({ level, format }),
    shutdown: Object.freeze({ timeout, delay, order, streamsTimeout }),
    ...(head.on_unattributed === "stop" ? { onUnattributed: "stop" as const } : {}),
    services: Object.freeze(services),
    ...(brokers ? { brokers } : {}),
    secrets: Object.freeze([...secrets]),
  });
}

/** Undefined while none of `port`, `unix` and `listen` is known. */
export function addressOf(http: HttpSettings): Address | undefined {
  if (http.listen === undefined) return ownAddressOf(http);
  // systemd resolves no names, and of this one everybody knows what it stands for.
  const at = ownAddressOf(isLocalhost(http.host) ? { ...http, host: "127.0.0.1" } : http);
  const name = http.listen.slice("systemd:".length);
  return Object.freeze({ tag: "systemd", name, ...(at ? { at } : {}) });
}

function ownAddressOf(
  http: Pick<HttpSettings, "unix" | "port" | "host">,
): Exclude<Address, { tag: "systemd" }> | undefined {
  if (http.unix !== undefined) return Object.freeze({ tag: "unix", path: http.unix });
  if (http.port === undefined) return undefined;
  return Object.freeze({ tag: "tcp", host: http.host, port: http.port });
}

function isLocalhost(host: string): boolean {
  return host.toLowerCase() === "localhost";
}

function makeAdmin(admin: HeadSettings["admin"]): AdminPlan | false {
  if (admin === false || admin.listen === false) return false;
  const { listen, token, read_only: readOnly } = admin;
  return Object.freeze({
    listen: Object.freeze(listen),
    ...(token ? { token } : {}),
    ...(readOnly ? { readOnly } : {}),
  });
}

/** The part of one service, from settings without problems. Deeply frozen. */
export function makeService({ name, settings }: Draft, { brokers }: HeadSettings): ServicePlan {
  const { stop_timeout: stopTimeout, http, consume, schedule } = settings;
  return Object.freeze({
    name,
    module: settings.module ?? "",
    export: settings.export,
    dependsOn: Object.freeze(settings.depends_on),
    critical: settings.critical,
    config: settings.config,
    env: Object.freeze(settings.env),
    startTimeout: settings.start_timeout,
    ...(stopTimeout === undefined ? {} : { stopTimeout }),
    restart: settings.restart,
    health: settings.health,
    replace: settings.replace,
    // Without an address only when what it says was wrong, or is lacking: nobody can listen there.
    ...(http && addressOf(http) ? { http: makeHttp(http) } : {}),
    ...(consume ? { consume: makeConsume(consume, brokers) } : {}),
    ...(schedule ? { schedule: makeSchedule(schedule, brokers) } : {}),
    ...(settings.isolation === "worker" ? { worker: makeWorker(settings) } : {}),
  });
}

function makeWorker({ instances = 1, memory }: Draft["settings"]): WorkerPlan {
  return Object.freeze({ instances, ...(memory === undefined ? {} : { memory }) });
}

function makeHttp(http: HttpSettings): HttpPlan {
  const { hostname, tls, limits } = http;
  return Object.freeze({
    address: addressOf(http) as Address,
    path: http.path,
    ...(hostname === undefined ? {} : { hostname }),
    ...(tls ? { tls: Object.freeze({ cert: tls.cert, key: tls.key }) } : {}),
    limits: limitsOf(limits),
  });
}

let lastLimits: { of: HttpSettings["limits"]; made: HttpPlan["limits"] } | undefined;

/** Services without limits of their own share one object, as their settings do. */
function limitsOf(limits: HttpSettings["limits"]): HttpPlan["limits"] {
  if (lastLimits?.of !== limits) {
    const { body, request_timeout: requestTimeout, idle_timeout: idleTimeout } = limits;
    lastLimits = { of: limits, made: Object.freeze({ body, requestTimeout, idleTimeout }) };
  }
  return lastLimits.made;
}

/** A name of its own is asked for only where the folder has none that could serve. */
export function nameOfFolder(file: string): string {
  // A sealed executable runs anywhere: its own name is what stays the same.
  const folder = (sealed() ? executableName() : basename(dirname(file))).toLowerCase();
  return folder.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "services";
}
