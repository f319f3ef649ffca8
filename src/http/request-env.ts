import type { Peer } from "../runtime/runtime.ts";
import type { RequestEnv, WebSocketUpgrade } from "../service/contract.ts";
import type { Exchange } from "./exchange.ts";

/** What a service sees of an exchange. It does nothing until asked: every member is a getter on the prototype. */
export class ServiceRequestEnv implements RequestEnv {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get clientAddress(): string | undefined {
    return this.#peer()?.address.replace(/^::ffff:(?=\d+\.)/, "");
  }

  get requestId(): string {
    return requestIdOf(this.#exchange);
  }

  /** Bun's convention: Hono's `upgradeWebSocket` and `getConnInfo` of `hono/bun` look here. */
  get server(): unknown {
    const exchange = this.#exchange;
    const { native, socketOwner } = exchange.origin;
    return native?.facade(exchange.request, exchange.info, () =>
      socketOwner(() => {
        exchange.upgrade ??= { answer: undefined, begin() {}, fail() {} };
      }),
    );
  }

  /** Deno's convention: `getConnInfo` of `hono/deno` looks here. */
  get remoteAddr(): { hostname: string; port: number; transport: "tcp" } | undefined {
    const peer = this.#peer();
    return peer && { hostname: peer.address, port: peer.port, transport: "tcp" };
  }

  // The request that came in, whatever the service passes: both runtimes insist on that very object.
  upgradeWebSocket(_request: Request, options?: { protocol?: string }): WebSocketUpgrade {
    const { origin, request, info } = this.#exchange;
    if (!origin.native) throw new TypeError("A call within the process cannot become a WebSocket");
    const owner = origin.socketOwner(() => {});
    const { socket, response, ...upgrade } = origin.runtime.upgradeWebSocket(request, info, owner, options);
    this.#exchange.upgrade = upgrade;
    return { socket, response };
  }

  #peer(): Peer | undefined {
    const { origin, request, info } = this.#exchange;
    return origin.native?.peer(request, info);
  }
}

/** The caller's id or a new one. From now on the exchange has it, and its answer says it. */
export function requestIdOf(exchange: Exchange): string {
  exchange.requestId ??= ownIdOf(exchange.request) ?? crypto.randomUUID();
  return exchange.requestId;
}

const longestId = 200;

/** An id that the caller chose; one that is absurdly long is not repeated in every line of the log. */
function ownIdOf(request: Request): string | undefined {
  const id = request.headers.get("x-request-id");
  return id && id.length <= longestId ? id : undefined;
}
