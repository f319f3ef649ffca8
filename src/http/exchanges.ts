import { AsyncLocalStorage } from "node:async_hooks";
import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Clock } from "../core/clock.ts";
import type { HttpPlan } from "../core/plan.ts";
import type { Answer, Follower, NativeInfo, NativeServer, Runtime } from "../runtime/runtime.ts";
import type { IntakeTarget } from "../service/intake.ts";
import { scopes } from "../service/scope.ts";
import { measureBody } from "./body-limit.ts";
import type { Exchange, Origin } from "./exchange.ts";
import { RunningList } from "./exchange.ts";
import type { OpenEnds } from "./open-ends.ts";
import { bodyTooLarge, cutOff, internalError, notFound, timedOut, withHeader } from "./reply.ts";
import { requestIdOf, ServiceRequestEnv } from "./request-env.ts";

export interface ExchangesOptions {
  readonly service: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly beacon: Beacon;
  readonly limits: Pick<HttpPlan["limits"], "body" | "requestTimeout">;
  readonly port: Port | undefined;
  readonly ends: OpenEnds;
  readonly socketOwner: Origin["socketOwner"];
  /** Whether clients should go away after their next response. */
  readonly isClosing: () => boolean;
  /** Told when a handler has answered. */
  readonly settled: () => void;
}

/** Where the requests of a service come in from the network. */
export interface Port {
  readonly native: NativeServer;
  readonly follower: Follower;
}

/** The requests of one generation, from their arrival to the answer of its `fetch`. */
export interface Exchanges {
  /** A request from the native server. Never throws or rejects. */
  handle(request: Request, info: NativeInfo): Answer | Promise<Answer>;
  /** A request from within the process. */
  call(request: Request): Promise<Response>;
  /** How many handlers have not answered. */
  readonly running: number;
  /** The requests among them that came from the network. */
  fromNetwork(): readonly Request[];
  /** Whether a handler that has not answered may still read the body of its request from the network. */
  isUploading(): boolean;
  /** Keeps connections open whose handler takes its time. */
  holdRunning(): void;
  /** Answers all of them in place of the service, whose own answers are dropped from now on. */
  cut(): void;
}

const { current, last } = beaconCells;
const { peek, exchangeOf } = ServiceRequestEnv;

export function createExchanges(options: ExchangesOptions, target: IntakeTarget): Exchanges {
  const { service, runtime, clock, beacon, limits, port, ends, socketOwner, isClosing, settled } = options;
  const { scope } = target;
  const fetch = target.fetch ?? notFound;
  const mark = scope.beacon;
  const follower = port?.follower;
  const network: Origin = { runtime, native: port?.native, socketOwner };
  const process: Origin = { runtime, native: undefined, socketOwner };
  const running = new RunningList();
  // A request from the network comes without a context: entering one that is there already makes nothing anew.
  const enter = scopes.run(scope, () => AsyncLocalStorage.snapshot());

  function handle(request: Request, info: NativeInfo): Answer | Promise<Answer> {
    const env = new ServiceRequestEnv(network, request, info);
    const { method } = request;
    // Both runtimes drop the body of a GET or HEAD themselves.
    const seen = method === "GET" || method === "HEAD" ? request : limited(request, env);
    if (!seen) return reply(bodyTooLarge(limits.body), exchangeOf(env));
    if (limits.requestTimeout > 0) exchangeOf(env).aborter = withAborter(seen);
    return run(request, seen, info, env);
  }

  /** Undefined when the body is known to be too large. */
  function limited(request: Request, env: ServiceRequestEnv): Request | undefined {
    const measured = measureBody(request, limits.body, () => {
      exchangeOf(env).overflowed = true;
    });
    if (measured.tag === "tooLarge") return undefined;
    return measured.tag === "counted" ? measured.request : request;
  }

  // The hot path, in one piece. An exchange is made only where there is more to do than to pass the answer on.
  function run(request: Request, seen: Request, info: NativeInfo, env: ServiceRequestEnv) {
    const before = beacon[current] as number;
    beacon[current] = mark;
    beacon[last] = mark;
    try {
      const result = info ? enter(fetch, seen, env) : scopes.run(scope, fetch, seen, env);
      if (!(result instanceof Response)) return wait(Promise.resolve(result), exchangeOf(env));
      if (peek(env) || isClosing() || result.bodyUsed || isEventStream(result))
        return answer(result, exchangeOf(env));
      if (info) follower?.add(request, info);
      return result;
    } catch (error) {
      return fail(error, exchangeOf(env));
    } finally {
      beacon[current] = before;
    }
  }

  function wait(work: Promise<Response>, exchange: Exchange): Promise<Answer> {
    if (exchange.aborter) exchange.cancelTimer = clock.after(limits.requestTimeout, () => expire(exchange));
    running.add(exchange);
    return new Promise((resolve) => {
      exchange.resolve = resolve;
      work.then(
        (response) => (conclude(exchange) ? resolve(answer(response, exchange)) : drop(response)),
        (error) => conclude(exchange) && resolve(fail(error, exchange)),
      );
    });
  }

  /** Whether it had not been concluded before: then the caller resolves it. */
  function conclude(exchange: Exchange): boolean {
    if (!exchange.resolve) return false;
    exchange.resolve = undefined;
    running.remove(exchange);
    exchange.cancelTimer?.();
    if (exchange.isHeld) port?.native.hold(exchange.request, false);
    settled();
    return true;
  }

  /** Answers in place of the service, whose own answer is dropped when it comes. */
  function answerInstead(response: Response, exchange: Exchange): void {
    const { resolve } = exchange;
    if (resolve && conclude(exchange)) resolve(reply(response, exchange));
  }

  function expire(exchange: Exchange): void {
    const requestId = requestIdOf(exchange);
    scope.log.warn("request timed out", { ...nameOf(exchange.request), requestId });
    answerInstead(timedOut(requestId), exchange);
    exchange.aborter?.abort(new DOMException("The request took longer than request_timeout", "TimeoutError"));
  }

  function answer(response: Response, exchange: Exchange): Answer {
    const { upgrade } = exchange;
    if (upgrade) {
      queueMicrotask(upgrade.begin);
      return upgrade.answer;
    }
    if (exchange.overflowed) return reply(bodyTooLarge(limits.body), exchange);
    try {
      if (!(response instanceof Response))
        throw new TypeError(`fetch returned ${typeof response}, no Response`);
      if (response.bodyUsed)
        throw new TypeError("fetch returned a Response whose body was read, or sent, before");
      return reply(withEndableBody(response, exchange), exchange);
    } catch (error) {
      return fail(error, exchange);
    }
  }

  function fail(error: unknown, exchange: Exchange): Answer {
    const { upgrade } = exchange;
    if (exchange.overflowed) return reply(bodyTooLarge(limits.body), exchange);
    const requestId = requestIdOf(exchange);
    scope.log.error("request failed", { error, ...nameOf(exchange.request), requestId });
    if (!upgrade) return reply(internalError(requestId), exchange);
    upgrade.fail();
    return upgrade.answer;
  }

  function withEndableBody(response: Response, { request, info }: Exchange): Response {
    if (!isEventStream(response)) return response;
    if (!info || !port) return ends.stream(response, { isNative: false, isWritten: () => true });
    port.native.hold(request, true);
    return ends.stream(response, { isNative: true, isWritten: port.native.watch(request, info) });
  }

  /** Sends `response`, with the headers that are ours to add. */
  function reply(response: Response, { request, info, requestId }: Exchange): Response {
    const named = requestId === undefined ? response : withHeader(response, "x-request-id", requestId);
    if (!info) return named;
    follower?.add(request, info);
    return isClosing() ? withHeader(named, "connection", "close") : named;
  }

  return {
    handle,
    async call(request) {
      const env = new ServiceRequestEnv(process, request, undefined);
      return (await run(request, request, undefined, env)) as Response;
    },
    get running() {
      return running.size;
    },
    fromNetwork: () => running.snapshot().flatMap(({ request, info }) => (info ? [request] : [])),
    isUploading: () => running.snapshot().some(({ request, info }) => info && request.body !== null),
    holdRunning() {
      for (const exchange of running.snapshot()) {
        if (!exchange.info || exchange.isHeld) continue;
        exchange.isHeld = true;
        port?.native.hold(exchange.request, true);
      }
    },
    cut() {
      for (const exchange of running.snapshot()) answerInstead(cutOff(service), exchange);
    },
  };
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

function ignore(): void {}

/**
 * Lets `request.signal` abort from here as well as when the client goes away. It is a property of this object
 * only: the runtime's own copies of the request do not know of it.
 */
function withAborter(request: Request): AbortController {
  const aborter = new AbortController();
  let signal: AbortSignal | undefined;
  const prototype = Object.getPrototypeOf(request) as object;
  Object.defineProperty(request, "signal", {
    configurable: true,
    get() {
      signal ??= AbortSignal.any([Reflect.get(prototype, "signal", request) as AbortSignal, aborter.signal]);
      return signal;
    },
  });
  return aborter;
}

function nameOf(request: Request): { method: string; path: string } {
  // A client may send a Host that makes no URL; whatever failed must still be told and answered.
  const path = URL.parse(request.url)?.pathname ?? request.url;
  return { method: request.method, path };
}

/** An answer that nobody waits for any more: its stream must not stay open. */
function drop(response: unknown): void {
  // A body that cannot be cancelled, because someone reads it, is not ours to end.
  if (response instanceof Response) response.body?.cancel().catch(ignore);
}
