import type { PassedAddress } from "../core/plan.ts";

/**
 * The few things that Bun and Deno do differently. Everything else is `node:*`.
 * `bun.ts` and `deno.ts` implement this with the same functions in the same order.
 */
export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /** Whether `fresh` is possible: Deno keeps a module for the life of its thread. */
  readonly reloadsModules: boolean;
  /**
   * Imports a file of the user by absolute path. Rejects with what the runtime says. `fresh`: as it is on disk now,
   * and all local files that it imports, while whoever has loaded them before keeps what they have.
   */
  importModule(path: string, options?: { readonly fresh?: boolean }): Promise<Record<string, unknown>>;
  /** The absolute paths of the local files that `file` imports: not packages. Never rejects. */
  localImports(file: string): Promise<string[]>;
  /**
   * Why `file` cannot be parsed, and where; runs nothing of it. Undefined when it can be, cannot be read, or when the
   * runtime has no parser for its kind (Deno: JSX and CommonJS).
   */
  syntaxError(file: string): Promise<SyntaxFault | undefined>;
  /** Makes `import … from specifier` work in files of the user, with nothing installed. */
  provideModule(specifier: string, exports: Record<string, unknown>): void;
  /**
   * Makes all that a native HTTP server needs. The returned function binds it, once, and does nothing else: it
   * throws at once, and `code` is the system's word (EADDRINUSE …) where there is one.
   */
  prepareServer(options: ServeOptions): () => NativeServer;
  /** Binds a TCP address and lets go of it before it returns. Throws as binding a server does. */
  probe(address: { readonly host: string; readonly port: number }): void;
  /** Turns the request into a WebSocket; the server must have handed over this very `request` and `info`. */
  upgradeWebSocket(
    request: Request,
    info: NativeInfo,
    owner: SocketOwner,
    options?: { protocol?: string },
  ): Upgrade;
  /**
   * From now on, a WebSocket made with the runtime's own API, behind our back, asks for its owner where it
   * is made. Returns how to stop. Does nothing on Bun: there every upgrade goes through a server we hold.
   */
  watchUpgrades(owner: () => SocketOwner | undefined): () => void;
  /**
   * Lets go of compiled code: what runs again is compiled again. Returns at once; a few milliseconds of work
   * follow when the loop is free. Does nothing on Deno, which offers no such thing.
   */
  dropCode(): void;
}

export interface SyntaxFault {
  readonly message: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export interface ServeOptions {
  /** A socket of systemd only on a runtime `withPassedSockets`. */
  readonly address: NativeAddress | PassedAddress;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Milliseconds without traffic after which a connection is closed; 0 is never. Deno has no such limit. */
  readonly idleTimeout: number;
  /** Must not throw or reject. `undefined` only after an upgrade, when `Upgrade.answer` says so. */
  readonly fetch: (request: Request, info: NativeInfo) => Answer | Promise<Answer>;
  /** Told of a body that failed while it was sent, in the async context of its `fetch`. Bun tells nobody. */
  readonly broken?: (error: unknown) => void;
}

export type NativeAddress =
  | { readonly tag: "tcp"; readonly host: string; readonly port: number }
  | { readonly tag: "unix"; readonly path: string };

export type Answer = Response | undefined;

/** Whatever the native server hands to its handler beside the request. */
export type NativeInfo = unknown;

/** The answers of a server that are on their way. */
export interface Sending {
  /** Connections whose client has not taken all that was written for it; 1 where that cannot be known. */
  left(): number;
  /** Resolves when there are none for a moment, or a second has passed where that cannot be known, or `isOver`. */
  ended(isOver: () => boolean): Promise<void>;
}

export interface NativeServer {
  /** What was really bound; the port is known even when 0 was asked for. */
  readonly address: NativeAddress;
  /** Undefined on unix sockets. */
  peer(request: Request, info: NativeInfo): Peer | undefined;
  /** While held, a request is not cut for lack of traffic, however long its answer takes. */
  hold(request: Request, held: boolean): void;
  /** Counts responses on their way out. `exclusive`: no other follower exists on this server. */
  follow(exclusive: boolean): Follower;
  /** Asks later whether everything of this one response was written, or its client is gone. */
  watch(request: Request, info: NativeInfo): () => boolean;
  /** Calls `gone` when the client of this request goes away before its answer has been sent. */
  whenGone(request: Request, info: NativeInfo, gone: () => void): void;
  /** What frameworks written for this runtime look for as `env.server`; undefined where there is no such custom. */
  facade(request: Request, info: NativeInfo, owner: () => SocketOwner): unknown;
  /**
   * Accepts nobody any more, and closes nothing: who comes now waits for the next process that takes the socket.
   * Resolves when nothing comes any more from those who were accepted before, after a second or `longestMs` in any
   * case. Absent where there is no next one.
   */
  quiesce?(longestMs: number): Promise<void>;
  /**
   * Deno: `stop` breaks off the bodies of requests that are still arriving, and only this tells that answers which are no
   * streams were written to their end. Absent: nothing of that is to be minded.
   */
  readonly sending?: Sending;
  /** Stops accepting and closes idle connections, at once. Resolves when every response and WebSocket has ended. */
  stop(): Promise<void>;
  /**
   * Closes everything now; resolves when the address is free. On Deno, connections that are busy when `stop`
   * was called before can no longer be closed.
   */
  kill(): Promise<void>;
}

export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
}

export interface Follower {
  /** It knows only the sum of all followers of its server, and `add` does nothing. */
  readonly countsServer: boolean;
  /** The handler has answered this request. */
  add(request: Request, info: NativeInfo): void;
  /**
   * How many answers are not written to their end, streams included.
   * `running` are the requests of this server whose handler has not answered.
   */
  open(running: Iterable<Request>): number;
}

/** Whoever answers for a WebSocket: counts it, and enters the service for its events. */
export interface SocketOwner {
  /** Bun's convention: the `websocket` member of the module. */
  readonly handlers: unknown;
  enter<T>(work: () => T): T;
  opened(socket: LiveSocket): void;
  closed(socket: LiveSocket): void;
}

export interface LiveSocket {
  close(code: number, reason: string): void;
  /** Ends it without waiting for the other side, as far as the runtime can. */
  terminate(): void;
}

export interface Upgrade {
  readonly socket: WebSocket;
  /** What the service returns from its handler. */
  readonly response: Response;
  /** What the native server must be given, whatever became of `response` in the service's middleware. */
  readonly answer: Answer;
  /** The handler has returned: events may flow. */
  begin(): void;
  /** The handler has thrown: the socket closes with code 1011. */
  fail(): void;
}
