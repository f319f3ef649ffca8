import type { IntakeEnv } from "../service/intake.ts";
import type { BodyCrossing, Source } from "./body-crossing.ts";
import { bytesOf, readAhead, wholeBytes, wireBytes } from "./body-crossing.ts";
import { headersOf, headersText } from "./header-text.ts";
import { fromWire } from "./wire-error.ts";
import type { FetchMessage, SocketMessage, WireBody } from "./worker-protocol.ts";
import type { SocketRelay } from "./worker-socket.ts";
import { createSocketRelay } from "./worker-socket.ts";

export type AnswerMessage = Extract<FetchMessage, readonly ["response" | "error", ...unknown[]]>;

/** Sends requests over a port and makes responses of what comes back. */
export interface FetchCaller {
  /** `env` is that of a request from a listener: it tells the address, and can become a WebSocket. */
  call(request: Request, about: string | null, env?: IntakeEnv): Promise<Response>;
  answer(message: AnswerMessage): void;
  socket(message: SocketMessage): void;
  /** Calls whose response has not come to its end, and open WebSockets. */
  readonly busy: number;
  /** The other side is gone: calls without a response get `response()`, whatever else is open breaks. */
  close(response: () => Response): void;
}

export interface FetchCallerOptions {
  readonly post: (message: FetchMessage) => void;
  readonly bodies: BodyCrossing;
  /** 0 or 1: ids of this side are even or odd. */
  readonly parity: 0 | 1;
}

interface Call {
  readonly request: Request;
  readonly env: IntakeEnv | undefined;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  readonly abort: () => void;
  /** The WebSocket that it has become, or why it could not. */
  upgrade:
    | { readonly relay: SocketRelay; readonly response: Response }
    | { readonly error: unknown }
    | undefined;
}

export function createFetchCaller({ post, bodies, parity }: FetchCallerOptions): FetchCaller {
  const calls = new Map<number, Call>();
  const relays = new Map<number, SocketRelay>();
  let streams = 0;
  let nextId: number = parity;
  let gone: (() => Response) | undefined;

  function call(request: Request, about: string | null, env?: IntakeEnv): Promise<Response> {
    if (gone) return Promise.resolve(gone());
    const id = nextId;
    nextId += 2;
    return new Promise((resolve, reject) => {
      const abort = () => {
        if (!calls.has(id)) return;
        const { name, message } = reasonOf(request, env);
        post(["abort", id, name, message]);
        bodies.breakOff(id);
      };
      const open: Call = { request, env, resolve, reject, abort, upgrade: undefined };
      calls.set(id, open);
      const body = outgoingBody(request);
      if (body === null) send(id, open, about, null);
      else
        body.then(
          (ready) => calls.has(id) && send(id, open, about, ready),
          (error) => conclude(id) && reject(error),
        );
    });
  }

  function send(id: number, open: Call, about: string | null, body: WireBody | Source): void {
    const { method, url, headers } = open.request;
    const isStream = isSource(body);
    post(["request", id, method, url, headersText(headers), about, isStream ? true : body]);
    if (isStream) bodies.send(id, body, ignore);
    open.env?.whenGone(open.abort);
    // An own property has been put there by whoever may abort the request before its client goes away.
    if (open.env && !Object.hasOwn(open.request, "signal")) return;
    const { signal } = open.request;
    if (signal.aborted) open.abort();
    else signal.addEventListener("abort", open.abort);
  }

  /** The call, when it had not been concluded before. */
  function conclude(id: number): Call | undefined {
    const open = calls.get(id);
    if (!open) return undefined;
    calls.delete(id);
    if (!open.env) open.request.signal.removeEventListener("abort", open.abort);
    return open;
  }

  function upgrade(id: number, protocol: string): void {
    const open = calls.get(id);
    if (!open?.env) return;
    try {
      const { socket, response } = open.env.upgradeWebSocket(open.request, protocol ? { protocol } : {});
      const relay = createSocketRelay(id, socket, post, () => relays.delete(id));
      relays.set(id, relay);
      open.upgrade = { relay, response };
    } catch (error) {
      open.upgrade = { error };
      post(["close", id, 1006, ""]);
    }
  }

  function responseOf(message: Extract<AnswerMessage, readonly ["response", ...unknown[]]>): Response {
    const [, id, status, statusText, headers, , body] = message;
    const init = { status, statusText, headers: headersOf(headers) };
    if (body !== true) return new Response(body === null ? null : bytesOf(body), init);
    streams++;
    const stream = bodies.receive(id, () => {
      streams--;
    });
    return new Response(stream, init);
  }

  /** Throws what the call fails with. */
  function settled({ env, upgrade }: Call, message: AnswerMessage): Response {
    const requestId = message[0] === "response" ? message[5] : message[2];
    if (requestId !== null && env) env.requestId = requestId;
    if (message[0] === "error") throw fromWire(message[3]);
    if (upgrade === undefined) return responseOf(message);
    if ("error" in upgrade) throw upgrade.error;
    return upgrade.response;
  }

  return {
    call,
    answer(message) {
      const id = message[1];
      const open = conclude(id);
      if (!open) {
        if (message[0] === "response" && message[6] === true) post(["cancel", id]);
        return;
      }
      try {
        open.resolve(settled(open, message));
      } catch (error) {
        open.reject(error);
      }
    },
    socket(message) {
      if (message[0] === "upgrade") upgrade(message[1], message[2]);
      else relays.get(message[1])?.take(message);
    },
    get busy() {
      return calls.size + streams + relays.size;
    },
    close(response) {
      gone = response;
      for (const id of [...calls.keys()]) conclude(id)?.resolve(response());
      for (const relay of [...relays.values()]) relay.lost();
    },
  };
}

/** That of the signal where it is looked at; a client that goes away gives none. */
function reasonOf(request: Request, env: IntakeEnv | undefined): { name: string; message: string } {
  const looked = env === undefined || Object.hasOwn(request, "signal");
  const reason: unknown = looked ? request.signal.reason : undefined;
  if (reason instanceof Error || reason instanceof DOMException) return reason;
  return { name: "AbortError", message: "The client has gone away" };
}

function isSource(body: WireBody | Source): body is Source {
  return typeof body === "object" && body !== null && "read" in body;
}

/** null at once where there is none, which is most of the time. */
function outgoingBody(request: Request): null | Promise<WireBody | Source> {
  const { method } = request;
  if (method === "GET" || method === "HEAD") return null;
  const length = request.headers.get("content-length");
  if (length === "0") return null;
  if (length !== null && Number(length) <= wholeBytes) return wholeBody(request);
  return request.body === null ? null : readAhead(request.body);
}

async function wholeBody(request: Request): Promise<WireBody> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.byteLength === 0 ? null : wireBytes(bytes);
}

function ignore(): void {}
