import { createServer } from "node:net";
import type { Beacon } from "../../src/core/beacon.ts";
import { createBeacon } from "../../src/core/beacon.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { LogFields, Logger } from "../../src/core/log.ts";
import type { Address, HttpPlan } from "../../src/core/plan.ts";
import { createFetchLink } from "../../src/host/fetch-link.ts";
import type { FetchMessage } from "../../src/host/worker-protocol.ts";
import { addressText } from "../../src/host/worker-request-env.ts";
import type { HttpPlane } from "../../src/http/http-plane.ts";
import { createHttpPlane } from "../../src/http/http-plane.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { RequestEnv } from "../../src/service/contract.ts";
import type { Intake, IntakeTarget, Lease } from "../../src/service/intake.ts";
import { scopes } from "../../src/service/scope.ts";
import { openWire } from "../support/wire.ts";

/** One promise of the contract. */
export interface Case {
  readonly name: string;
  run(runtime: Runtime): Promise<void>;
}

export type ServiceFetch = (request: Request, env: RequestEnv) => Response | Promise<Response>;

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A plane with real sockets, and a way to play the host. */
export interface Site extends AsyncDisposable {
  readonly plane: HttpPlane;
  readonly beacon: Beacon;
  readonly logged: Logged[];
  readonly urls: Map<string, string>;
  port(service: string): number;
  intake(service: string): Intake;
  /** The newest one of `service`. */
  lease(service: string): Lease;
  /** Opens the door of `service` for a new generation. */
  open(service: string, fetch: ServiceFetch, websocket?: unknown): IntakeTarget;
}

export type ServicePlans = Record<string, HttpOverrides | undefined>;
export interface HttpOverrides extends Partial<Omit<HttpPlan, "limits">> {
  readonly limits?: Partial<HttpPlan["limits"]>;
}

export function httpPlan({ limits, ...rest }: HttpOverrides = {}): HttpPlan {
  return {
    address: { tag: "tcp", host: "127.0.0.1", port: 0 },
    path: "/",
    limits: { body: 1_048_576, requestTimeout: 0, idleTimeout: 60_000, ...limits },
    ...rest,
  };
}

/** Binds `services`; the keys are their names, `undefined` is a service without an address. */
export async function openSite(
  runtime: Runtime,
  services: ServicePlans,
  { streamsTimeout = 300 } = {},
): Promise<Site> {
  const urls = new Map<string, string>();
  const leases = new Map<string, Lease>();
  const beacon = createBeacon();
  const logged: Logged[] = [];
  const names = Object.keys(services);
  const plane = createHttpPlane({
    runtime,
    clock: systemClock,
    beacon,
    streamsTimeout,
    services: names.map((name) => {
      const http = services[name];
      return { name, ...(http ? { http: httpPlan(http) } : {}) };
    }),
    onListening: (service, url) => void urls.set(service ?? "", url),
  });
  await plane.bind();
  let generation = 0;
  return {
    plane,
    beacon,
    logged,
    urls,
    port: (service) => Number(new URL(urls.get(service) as string).port),
    intake: (service) => plane.intake(service),
    lease: (service) => leases.get(service) as Lease,
    open(service, fetch, websocket) {
      generation++;
      const scope = {
        service,
        generation,
        log: recorder(logged),
        beacon: names.indexOf(service) + 1,
        failed() {},
      };
      const target = isCrossing ? crossingTarget(scope, fetch) : { scope, fetch, websocket };
      leases.set(service, plane.intake(service).open(target));
      return target;
    },
    [Symbol.asyncDispose]: () => plane.closeAll(),
  };
}

let isCrossing = false;

/** The same promise for a service at the other end of a port, as a worker is. */
export function throughPort({ name, run }: Case): Case {
  return {
    name: `${name}, through a port`,
    async run(runtime) {
      isCrossing = true;
      try {
        await run(runtime);
      } finally {
        isCrossing = false;
      }
    },
  };
}

/** A service that is reached by what reaches one in a worker, but runs here. */
function crossingTarget(scope: IntakeTarget["scope"], fetch: ServiceFetch): IntakeTarget {
  const { port1, port2 } = new MessageChannel();
  const main = createFetchLink({
    parity: 0,
    post: (message) => port1.postMessage(message),
    serve: () => new Response(null, { status: 404 }),
  });
  const thread = createFetchLink({
    parity: 1,
    post: (message) => port2.postMessage(message),
    serve: (request, env) => scopes.run(scope, fetch, request, env),
  });
  port1.onmessage = ({ data }: MessageEvent<FetchMessage>) => main.take(data);
  port2.onmessage = ({ data }: MessageEvent<FetchMessage>) => thread.take(data);
  return { scope, fetch: (request, env) => main.call(request, addressText(env), env) };
}

function recorder(logged: Logged[]): Logger {
  const at = (level: string) => (message: string, fields?: LogFields) =>
    void logged.push({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), fatal: at("fatal") };
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves as soon as `holds`; rejects after 3 s. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 3_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Did not come true: ${what}`);
    await wait(2);
  }
}

/** Resolves when connections to `port` are refused. Deno needs a moment after it was told. */
export async function refused(port: number): Promise<void> {
  let outcome = "";
  for (let attempt = 0; attempt < 20 && outcome !== "ECONNREFUSED"; attempt++) {
    outcome = await openWire({ port }).then(
      (wire) => {
        wire.destroy();
        return "connected";
      },
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    if (outcome === "connected") throw new Error(`Port ${port} still accepts connections`);
  }
  if (outcome !== "ECONNREFUSED") throw new Error(`Port ${port}: ${outcome}`);
}

/** A port that nobody listens on, for what several services share or what must be bound again. */
export async function freeAddress(): Promise<Extract<Address, { tag: "tcp" }>> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return { tag: "tcp", host: "127.0.0.1", port };
}

const encoder = new TextEncoder();

/** A body that the test writes piece by piece. */
export function openBody(): {
  stream: ReadableStream<Uint8Array>;
  write(text: string): void;
  close(): void;
  readonly isCancelled: boolean;
} {
  let isCancelled = false;
  let output: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      output = controller;
    },
    cancel() {
      isCancelled = true;
    },
  });
  return {
    stream,
    write: (text) => output.enqueue(encoder.encode(text)),
    close: () => output.close(),
    get isCancelled() {
      return isCancelled;
    },
  };
}

export const eventStream = { headers: { "content-type": "text/event-stream" } };
