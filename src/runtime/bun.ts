import { linkHandlers } from "./bun-socket.ts";
import { ownAddress } from "./own-address.ts";
import type {
  Follower,
  NativeAddress,
  NativeInfo,
  NativeServer,
  Peer,
  Runtime,
  ServeOptions,
  SocketOwner,
  Upgrade,
} from "./runtime.ts";
import type { BunSocket, SocketLink } from "./service-socket.ts";
import { createServiceSocket } from "./service-socket.ts";

export const bunRuntime: Runtime = {
  name: "bun",
  version: Bun.version,
  reloadsModules: true,
  importModule,
  localImports: async (file) => (await import("./fresh-bun.ts")).localImports(file),
  syntaxError: async (file) => (await import("./fresh-bun.ts")).syntaxError(file),
  provideModule,
  prepareServer,
  probe,
  upgradeWebSocket,
  watchUpgrades: () => () => {},
  // Deprecated: a Bun without it keeps the code.
  dropCode: () => Bun.shrink?.(),
};

// A path, not a URL: Bun answers a file URL with a query from its cache.
function importModule(
  path: string,
  options: { readonly fresh?: boolean } = {},
): Promise<Record<string, unknown>> {
  if (options.fresh !== true) return import(path);
  return import("./fresh-bun.ts").then(({ importFresh }) => importFresh(path));
}

function provideModule(specifier: string, exports: Record<string, unknown>): void {
  Reflect.set(globalThis, Symbol.for(`${specifier}.v1`), exports);
  Bun.plugin({
    name: specifier,
    setup: (build) => void build.module(specifier, () => ({ exports, loader: "object" })),
  });
}

// With every server that it binds, Bun asks for a garbage collection, and has it as soon as anything is made. To
// bind a thousand took twice as long while each made its wrapper; so the returned function makes nothing.
function prepareServer(options: ServeOptions): () => NativeServer {
  const { tls } = options;
  const address = ownAddress(options.address);
  const idleSeconds = secondsOf(options.idleTimeout);
  const settings = {
    ...(address.tag === "tcp"
      ? { hostname: address.host, port: address.port, idleTimeout: idleSeconds }
      : { unix: address.path, idleTimeout: idleSeconds }),
    ...(tls ? { tls } : {}),
    development: false,
    // Said, because `development: false` turns it on: two processes would share the port without a word.
    reusePort: false,
    // The limit is each service's own; the server must not know a smaller one.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: options.fetch as (request: Request) => Response | Promise<Response>,
    error: bodyFailed,
    websocket,
  } as Bun.Serve.Options<UpgradeData>;
  const server = new BunServer(address, idleSeconds);
  return () => server.bind(settings);
}

// Not with a server: each of them brings a garbage collection, 2 ms on the way to ready.
function probe({ host, port }: { host: string; port: number }): void {
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
  } catch {
    // Only a server says in all cases why it cannot. Closes the listener at once; the promise comes later.
    void Bun.serve({ hostname: host, port, fetch: bodyFailed }).stop(true);
  }
}

/** What ends up here is no error of a handler but of a body that failed while it was written. */
function bodyFailed(): Response {
  return new Response(null, { status: 500, headers: { connection: "close" } });
}

function upgradeWebSocket(
  request: Request,
  info: NativeInfo,
  owner: SocketOwner,
  options: { protocol?: string } = {},
): Upgrade {
  const { socket, link, begin } = createServiceSocket(request.url, options.protocol ?? "", owner);
  const headers = options.protocol ? { "sec-websocket-protocol": options.protocol } : {};
  const data: UpgradeData = { link, user: undefined };
  if (!(info as Server).upgrade(request, { data, headers })) {
    throw new TypeError("Cannot upgrade to a WebSocket: the request does not ask for one");
  }
  return {
    socket,
    response: new Response(null, { status: 101 }),
    answer: undefined,
    begin,
    fail() {
      begin();
      socket.close(1011, "internal error");
    },
  };
}

type Server = Bun.Server<UpgradeData>;

/** What an upgrade passes to the first event of its socket. */
interface UpgradeData {
  readonly link: SocketLink;
  /** The service's own `data`, for modules that follow Bun's convention. */
  readonly user: unknown;
}

const links = new WeakMap<object, SocketLink>();

const websocket = {
  open(socket: BunSocket) {
    const { link, user } = socket.data as UpgradeData;
    links.set(socket, link);
    socket.data = user;
    link.open(socket);
  },
  message: (socket: BunSocket, data: string | Buffer) => links.get(socket)?.message(socket, data),
  drain: (socket: BunSocket) => links.get(socket)?.drain(socket),
  ping: (socket: BunSocket, data: Buffer) => links.get(socket)?.ping(socket, data),
  pong: (socket: BunSocket, data: Buffer) => links.get(socket)?.pong(socket, data),
  close: (socket: BunSocket, code: number, reason: string) => links.get(socket)?.close(socket, code, reason),
};

/** Bun counts whole seconds up to 255; a longer wait becomes none, so that nothing is closed too early. */
function secondsOf(ms: number): number {
  const seconds = Math.ceil(ms / 1_000);
  return seconds > 255 ? 0 : seconds;
}

/** A class: a thousand servers share these functions, and creating one makes a single object. */
class BunServer implements NativeServer {
  /** Nobody has this object before `bind` has returned it. */
  #server!: Server;
  #bound: NativeAddress | undefined;
  readonly #asked: NativeAddress;
  readonly #idleSeconds: number;

  constructor(asked: NativeAddress, idleSeconds: number) {
    this.#asked = asked;
    this.#idleSeconds = idleSeconds;
  }

  bind(settings: Bun.Serve.Options<UpgradeData>): this {
    this.#server = Bun.serve<UpgradeData>(settings);
    return this;
  }

  get address(): NativeAddress {
    this.#bound ??= this.#asked.tag === "unix" ? this.#asked : boundAddress(this.#server);
    return this.#bound;
  }

  peer(request: Request): Peer | undefined {
    if (this.#asked.tag === "unix") return undefined;
    return (this.#server.requestIP(request) as Peer | null) ?? undefined;
  }

  hold(request: Request, held: boolean): void {
    if (this.#idleSeconds > 0) this.#server.timeout(request, held ? 0 : this.#idleSeconds);
  }

  follow(exclusive: boolean): Follower {
    // On unix sockets no request has a peer to ask for: there the server's own count is all there is.
    if (exclusive || this.#asked.tag === "unix") return countPending(this.#server);
    return listRequests((request) => this.#isWritten(request));
  }

  watch(request: Request): () => boolean {
    return () => this.#asked.tag === "unix" || this.#isWritten(request);
  }

  whenGone(request: Request, _info: NativeInfo, gone: () => void): void {
    request.signal.addEventListener("abort", gone);
  }

  facade(request: Request, _info: NativeInfo, owner: () => SocketOwner): unknown {
    return new ServerFacade(this.#server, request, owner);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  kill(): Promise<void> {
    return this.#server.stop(true);
  }

  #isWritten(request: Request): boolean {
    return this.#server.requestIP(request) === null;
  }
}

function boundAddress(server: Server): NativeAddress {
  const bound = Reflect.get(server, "address") as { address: string; port: number };
  return { tag: "tcp", host: bound.address, port: bound.port };
}

/** Costs nothing per request, but knows only the sum of the server. */
function countPending(server: Server): Follower {
  return {
    countsServer: true,
    add() {},
    open(running) {
      let connected = 0;
      for (const request of running) if (!request.signal.aborted) connected++;
      return Math.max(0, server.pendingRequests - connected);
    },
  };
}

/** Remembers requests until a sweep finds that their connection has let go of them. */
function listRequests(isWritten: (request: Request) => boolean): Follower {
  let requests: Request[] = [];
  let sweepAt = 64;
  function sweep() {
    requests = requests.filter((request) => !isWritten(request));
    sweepAt = Math.max(64, 2 * requests.length);
  }
  return {
    countsServer: false,
    add(request) {
      if (requests.push(request) >= sweepAt) sweep();
    },
    open() {
      sweep();
      return requests.length;
    },
  };
}

/** The part of Bun's server that a module may use for its own request: Hono's helpers look for it. */
class ServerFacade {
  readonly #server: Server;
  readonly #request: Request;
  readonly #owner: () => SocketOwner;

  constructor(server: Server, request: Request, owner: () => SocketOwner) {
    this.#server = server;
    this.#request = request;
    this.#owner = owner;
  }

  upgrade(_request: Request, options: { data?: unknown; headers?: HeadersInit } = {}): boolean {
    const data = { link: linkHandlers(this.#owner()), user: options.data };
    return this.#server.upgrade(this.#request, {
      data,
      ...(options.headers ? { headers: options.headers } : {}),
    });
  }

  requestIP(): Peer | null {
    return this.#server.requestIP(this.#request) as Peer | null;
  }

  timeout(_request: Request, seconds: number): void {
    this.#server.timeout(this.#request, seconds);
  }

  publish(topic: string, data: string | ArrayBuffer | Uint8Array<ArrayBuffer>, compress?: boolean): number {
    return this.#server.publish(topic, data, compress);
  }
}
