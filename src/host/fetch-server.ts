import { isUtf8 } from "node:buffer";
import type { RequestEnv } from "../service/contract.ts";
import type { BodyCrossing } from "./body-crossing.ts";
import { bytesOf, readAhead } from "./body-crossing.ts";
import { headersOf, headersText } from "./header-text.ts";
import { toWire } from "./wire-error.ts";
import type { FetchMessage, SocketMessage, WireBody } from "./worker-protocol.ts";
import { WorkerRequestEnv } from "./worker-request-env.ts";

export type RequestMessage = Extract<FetchMessage, readonly ["request", ...unknown[]]>;

export type AbortMessage = Extract<FetchMessage, readonly ["abort", ...unknown[]]>;

/** Answers the requests that come over a port. */
export interface FetchServer {
  request(message: RequestMessage): void;
  abort(message: AbortMessage): void;
  socket(message: SocketMessage): void;
}

export interface FetchServerOptions {
  readonly post: (message: FetchMessage) => void;
  readonly bodies: BodyCrossing;
  /** `about` as in the message. May throw. */
  readonly serve: (request: Request, env: RequestEnv, about: string | null) => Response | Promise<Response>;
}

interface Serving {
  readonly id: number;
  readonly isHead: boolean;
  readonly aborter: AbortController;
  readonly env: WorkerRequestEnv;
}

export function createFetchServer({ post, bodies, serve }: FetchServerOptions): FetchServer {
  const servings = new Map<number, Serving>();
  const sockets = new Map<number, WorkerRequestEnv>();

  async function request(message: RequestMessage): Promise<void> {
    const [, id, method, url, headers, about, body] = message;
    const aborter = new AbortController();
    const env = new WorkerRequestEnv(id, headers, about, url, post, {
      opened: () => void sockets.set(id, env),
      closed: () => void sockets.delete(id),
    });
    const serving: Serving = { id, aborter, env, isHead: method === "HEAD" };
    servings.set(id, serving);
    try {
      const seen = requestOf(method, url, headers, aborter.signal, incomingBody(id, body));
      const response = await serve(seen, env, about);
      if (!(response instanceof Response))
        throw new TypeError(`fetch returned ${typeof response}, no Response`);
      await respond(serving, response);
    } catch (error) {
      post(["error", id, env.knownId, toWire(error)]);
      over(id);
    }
    env.socket?.begin();
  }

  function over(id: number): void {
    servings.delete(id);
    bodies.forgetUnread(id);
  }

  function incomingBody(id: number, body: WireBody): BodyInit | null {
    if (body === true) return bodies.receive(id, ignore);
    return body === null ? null : bytesOf(body);
  }

  async function respond({ id, isHead, aborter, env }: Serving, response: Response): Promise<void> {
    const { status, statusText } = response;
    const headers = headersText(response.headers);
    const respondWith = (body: WireBody, more = "") => {
      post(["response", id, status, statusText, headers + more, env.knownId, body]);
      if (body !== true) over(id);
    };
    if (env.socket || response.body === null) return respondWith(null);
    const body = await readAhead(response.body);
    if (body === null || typeof body !== "object" || !("read" in body)) {
      if (withoutBody.has(status)) return respondWith(null);
      return respondWith(body, isHead ? "" : impliedType(response.headers, body));
    }
    if (isHead || withoutBody.has(status) || aborter.signal.aborted) {
      // A service that fails while it cleans up a stream has nobody left to tell.
      body.cancel().catch(ignore);
      return respondWith(null);
    }
    respondWith(true);
    bodies.send(id, body, () => over(id));
  }

  return {
    request: (message) => void request(message),
    abort([, id, name, message]) {
      servings.get(id)?.aborter.abort(new DOMException(message, name));
    },
    socket: (message) => sockets.get(message[1])?.take(message),
  };
}

/** Responses that may not have a body, whatever a service gives them. */
const withoutBody: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Whether a Response of text says so only when it is sent, as on Bun. */
const saysTypeLate = !new Response("").headers.has("content-type");

/** What kind of body it was can no longer be seen, but text without a type is common, and bytes without one are not. */
function impliedType(headers: Headers, body: WireBody): string {
  if (!saysTypeLate || body === null || body === true || headers.has("content-type")) return "";
  return isUtf8(bytesOf(body)) ? "content-type\ntext/plain;charset=utf-8\n" : "";
}

function requestOf(
  method: string,
  url: string,
  headers: string,
  signal: AbortSignal,
  body: BodyInit | null,
): Request {
  return new Request(url, {
    method,
    headers: headersOf(headers),
    signal,
    body,
    duplex: "half",
  } as RequestInit);
}

function ignore(): void {}
