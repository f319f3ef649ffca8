import { createServiceSocket } from "../runtime/service-socket.ts";
import type { RequestEnv, WebSocketUpgrade } from "../service/contract.ts";
import type { IntakeEnv } from "../service/intake.ts";
import { headersOf } from "./header-text.ts";
import type { SocketMessage } from "./worker-protocol.ts";
import type { SocketEnd } from "./worker-socket.ts";
import { createSocketEnd } from "./worker-socket.ts";

/** The peer of a request as it crosses: port and address, "" where there is none, null for a call within the process. */
export function addressText({ isNetwork, remoteAddr }: IntakeEnv): string | null {
  if (!isNetwork) return null;
  return remoteAddr ? `${remoteAddr.port} ${remoteAddr.hostname}` : "";
}

/** What a service in a thread sees of its request besides the request itself. */
export class WorkerRequestEnv implements RequestEnv {
  readonly #id: number;
  readonly #headers: string;
  readonly #about: string | null;
  readonly #url: string;
  readonly #post: (message: SocketMessage) => void;
  readonly #sockets: { opened(): void; closed(): void };
  #requestId: string | undefined;
  #socket: SocketEnd | undefined;

  constructor(
    id: number,
    headers: string,
    about: string | null,
    url: string,
    post: (message: SocketMessage) => void,
    sockets: { opened(): void; closed(): void },
  ) {
    this.#id = id;
    this.#headers = headers;
    this.#about = about;
    this.#url = url;
    this.#post = post;
    this.#sockets = sockets;
  }

  get clientAddress(): string | undefined {
    return this.remoteAddr?.hostname.replace(/^::ffff:(?=\d+\.)/, "");
  }

  get requestId(): string {
    this.#requestId ??= ownId(this.#headers) ?? crypto.randomUUID();
    return this.#requestId;
  }

  /** Deno's convention: `getConnInfo` of `hono/deno` looks here. */
  get remoteAddr(): { hostname: string; port: number; transport: "tcp" } | undefined {
    if (!this.#about) return undefined;
    const [port, hostname] = this.#about.split(" ");
    return { hostname: hostname as string, port: Number(port), transport: "tcp" };
  }

  /** Bun's convention: `getConnInfo` of `hono/bun` looks here. Its WebSockets belong to a server, so not here. */
  get server(): unknown {
    return {
      requestIP: () => addressOf(this.remoteAddr),
      upgrade() {
        throw new TypeError("In a worker only env.upgradeWebSocket(request) makes a WebSocket of a request");
      },
    };
  }

  /** The id, when the service has read it. */
  get knownId(): string | null {
    return this.#requestId ?? null;
  }

  get socket(): SocketEnd | undefined {
    return this.#socket;
  }

  upgradeWebSocket(_request: Request, options: { protocol?: string } = {}): WebSocketUpgrade {
    if (this.#about === null) throw new TypeError("A call within the process cannot become a WebSocket");
    if (headersOf(this.#headers).get("upgrade")?.toLowerCase() !== "websocket" || this.#socket) {
      throw new TypeError("Cannot upgrade to a WebSocket: the request does not ask for one");
    }
    const { protocol = "" } = options;
    this.#post(["upgrade", this.#id, protocol]);
    this.#socket = createSocketEnd(this.#id, this.#post, this.#sockets.closed, (owner) =>
      createServiceSocket(this.#url, protocol, owner),
    );
    this.#sockets.opened();
    return { socket: this.#socket.socket, response: upgradeResponse() };
  }

  take(message: SocketMessage): void {
    this.#socket?.take(message);
  }
}

function addressOf(peer: WorkerRequestEnv["remoteAddr"]) {
  if (!peer) return null;
  const { hostname, port } = peer;
  return { address: hostname, port, family: hostname.includes(":") ? "IPv6" : "IPv4" };
}

/** Deno makes no Response with this status; only a look at it will tell. */
function upgradeResponse(): Response {
  return Object.defineProperty(new Response(null), "status", { value: 101 });
}

const longestId = 200;

function ownId(headers: string): string | undefined {
  const id = headersOf(headers).get("x-request-id");
  return id && id.length <= longestId ? id : undefined;
}
