import type { NativeInfo, Peer } from "../runtime/runtime.ts";
import type { WebSocketUpgrade } from "../service/contract.ts";
import type { IntakeEnv } from "../service/intake.ts";
import type { Origin } from "./exchange.ts";
import { Exchange } from "./exchange.ts";

/**
 * What a service sees of its request: the one object that is made for every request. It does nothing until
 * asked: every member is a getter on the prototype, and there is no exchange until something has to be remembered.
 */
export class ServiceRequestEnv implements IntakeEnv {
  readonly #origin: Origin;
  readonly #request: Request;
  readonly #info: NativeInfo;
  #exchange: Exchange | undefined;

  /** `info` is undefined for a call within the process. */
  constructor(origin: Origin, request: Request, info: NativeInfo) {
    this.#origin = origin;
    this.#request = request;
    this.#info = info;
  }

  /** Undefined for a request of which nothing had to be remembered yet. */
  static peek(env: ServiceRequestEnv): Exchange | undefined {
    return env.#exchange;
  }

  static exchangeOf(env: ServiceRequestEnv): Exchange {
    env.#exchange ??= new Exchange(env.#request, env.#info);
    return env.#exchange;
  }

  get clientAddress(): string | undefined {
    return this.#peer()?.address.replace(/^::ffff:(?=\d+\.)/, "");
  }

  get requestId(): string {
    return requestIdOf(ServiceRequestEnv.exchangeOf(this));
  }

  set requestId(id: string) {
    ServiceRequestEnv.exchangeOf(this).requestId = id;
  }

  get isNetwork(): boolean {
    return this.#origin.native !== undefined;
  }

  /** Bun's convention: Hono's `upgradeWebSocket` and `getConnInfo` of `hono/bun` look here. */
  get server(): unknown {
    const { native, socketOwner } = this.#origin;
    return native?.facade(this.#request, this.#info, () =>
      socketOwner(() => {
        ServiceRequestEnv.exchangeOf(this).upgrade ??= { answer: undefined, begin() {}, fail() {} };
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
    const { native, runtime, socketOwner } = this.#origin;
    if (!native) throw new TypeError("A call within the process cannot become a WebSocket");
    const owner = socketOwner(() => {});
    const upgraded = runtime.upgradeWebSocket(this.#request, this.#info, owner, options);
    const { socket, response, ...upgrade } = upgraded;
    ServiceRequestEnv.exchangeOf(this).upgrade = upgrade;
    return { socket, response };
  }

  whenGone(gone: () => void): void {
    this.#origin.native?.whenGone(this.#request, this.#info, gone);
  }

  #peer(): Peer | undefined {
    return this.#origin.native?.peer(this.#request, this.#info);
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
