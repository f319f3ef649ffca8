import { readFile } from "node:fs/promises";
import nodeModule from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../core/errors.ts";
import { ownAddress } from "./own-address.ts";
import type {
  Follower,
  LiveSocket,
  NativeAddress,
  NativeInfo,
  NativeServer,
  Peer,
  Runtime,
  ServeOptions,
  SocketOwner,
  SyntaxFault,
  Upgrade,
} from "./runtime.ts";
import { sendingFrom } from "./sending.ts";

export const denoRuntime: Runtime = {
  name: "deno",
  get version() {
    return Deno.version.deno;
  },
  reloadsModules: false,
  importModule,
  localImports,
  syntaxError,
  provideModule,
  prepareServer,
  probe,
  upgradeWebSocket,
  watchUpgrades,
  dropCode() {},
};

// The part of Deno that is used here; its own types and Bun's do not go together.
declare const Deno: {
  readonly version: { readonly deno: string };
  serve(options: DenoServeOptions): DenoServer;
  listen(options: { hostname: string; port: number }): { close(): void };
  upgradeWebSocket: NativeUpgrade;
};
type NativeUpgrade = (
  request: Request,
  options?: { protocol?: string },
) => { socket: WebSocket; response: Response };

interface DenoServeOptions {
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly signal: AbortSignal;
  readonly onListen: () => void;
  readonly onError: (error: unknown) => Response;
  readonly handler: (request: Request, info: DenoInfo) => Response | Promise<Response>;
}

interface DenoServer {
  readonly addr: DenoAddress;
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

interface DenoInfo {
  readonly remoteAddr: DenoAddress;
  readonly completed: Promise<void>;
}

type DenoAddress =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

function importModule(path: string): Promise<Record<string, unknown>> {
  return import(pathToFileURL(path).href);
}

/** Deno demands extensions, so a relative specifier is the file; what it may be by package.json is not followed. */
async function localImports(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  const specifiers = text.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g);
  return [...specifiers].map((match) => resolve(dirname(file), match[1] as string));
}

/** Taking the types out parses, and does not run: everything else of Deno that parses also loads what is imported. */
async function syntaxError(file: string): Promise<SyntaxFault | undefined> {
  if (!/\.m?[jt]s$/.test(file)) return undefined;
  const text = await readFile(file, "utf8").catch(() => "");
  const strip: unknown = Reflect.get(nodeModule, "stripTypeScriptTypes");
  try {
    if (typeof strip === "function") strip(text, { mode: "transform" });
    return undefined;
  } catch (error) {
    // Without a place it is TypeScript that only this function does not know.
    const match = /^(?:SyntaxError: )?([^\n]+)[\s\S]*?at file:\/\/\S+?:(\d+):(\d+)\s*$/.exec(
      messageOf(error),
    );
    if (!match) return undefined;
    return { message: match[1] as string, line: Number(match[2]), column: Number(match[3]), length: 1 };
  }
}

function provideModule(specifier: string, exports: Record<string, unknown>): void {
  const key = `${specifier}.v1`;
  Reflect.set(globalThis, Symbol.for(key), exports);
  const url = `supervisor-module:${specifier}`;
  registerHooks({
    // Also mends `import { type X }`, which Deno would resolve to a package that nobody installed.
    resolve: (name, context, next) =>
      name === specifier ? { url, format: "module", shortCircuit: true } : next(name, context),
    load: (from, context, next) =>
      from === url
        ? { format: "module", source: sourceOf(key, exports), shortCircuit: true }
        : asJson(from, next(from, context)),
  });
}

/** Past a `load` hook Deno takes the JSON that CommonJS requires for a script. */
function asJson(from: string, loaded: unknown): unknown {
  return from.endsWith(".json") ? { ...(loaded as object), format: "json" } : loaded;
}

interface Hooks {
  resolve(name: string, context: unknown, next: (name: string, context: unknown) => unknown): unknown;
  load(url: string, context: unknown, next: (url: string, context: unknown) => unknown): unknown;
}

function registerHooks(hooks: Hooks): void {
  const register = Reflect.get(nodeModule, "registerHooks") as ((hooks: Hooks) => void) | undefined;
  if (!register)
    throw new Error(`Deno ${Deno.version.deno} has no module hooks: supervisor needs 2.9 or newer`);
  register(hooks);
}

function sourceOf(key: string, exports: Record<string, unknown>): string {
  const members = `globalThis[Symbol.for(${JSON.stringify(key)})]`;
  return Object.keys(exports)
    .map((name) =>
      name === "default"
        ? `export default ${members}.default;`
        : `export const ${name} = ${members}.${name};`,
    )
    .join("\n");
}

function prepareServer(options: ServeOptions): () => NativeServer {
  const { tls } = options;
  const address = ownAddress(options.address);
  const aborter = new AbortController();
  const settings: DenoServeOptions = {
    ...(address.tag === "tcp" ? { hostname: address.host, port: address.port } : { path: address.path }),
    ...(tls ? { cert: tls.cert, key: tls.key } : {}),
    signal: aborter.signal,
    onListen() {},
    // What ends up here is no error of a handler but of a body that failed while it was written.
    onError(error) {
      options.broken?.(error);
      return new Response(null, { status: 500, headers: { connection: "close" } });
    },
    handler: options.fetch as (request: Request, info: DenoInfo) => Response | Promise<Response>,
  };
  return () => nativeServer(Deno.serve(settings), aborter);
}

function probe({ host, port }: { host: string; port: number }): void {
  Deno.listen({ hostname: host, port }).close();
}

function upgradeWebSocket(
  request: Request,
  _info: NativeInfo,
  owner: SocketOwner,
  options: { protocol?: string } = {},
): Upgrade {
  const { socket, response } = nativeUpgrade(request, options);
  // Deno sends the protocol to the client and leaves its own side without.
  Object.defineProperty(socket, "protocol", { value: options.protocol ?? "" });
  adopt(socket, owner);
  return { socket, response, answer: response, begin() {}, fail: () => socket.close(1011) };
}

const watchers = new Set<() => SocketOwner | undefined>();
let original: NativeUpgrade | undefined;

function nativeUpgrade(request: Request, options: { protocol?: string }): ReturnType<NativeUpgrade> {
  return (original ?? Deno.upgradeWebSocket)(request, options);
}

/** Replaces `Deno.upgradeWebSocket`: the only way to learn of sockets that `hono/deno` and others open. */
function watchUpgrades(owner: () => SocketOwner | undefined): () => void {
  watchers.add(owner);
  if (!original) {
    original = Deno.upgradeWebSocket;
    replaceUpgrade(watchedUpgrade);
  }
  return () => {
    watchers.delete(owner);
    if (watchers.size > 0 || !original) return;
    replaceUpgrade(original);
    original = undefined;
  };
}

function watchedUpgrade(request: Request, options: { protocol?: string } = {}): ReturnType<NativeUpgrade> {
  const upgraded = nativeUpgrade(request, options);
  for (const ownerOf of watchers) {
    const owner = ownerOf();
    if (owner) adopt(upgraded.socket, owner);
  }
  return upgraded;
}

function replaceUpgrade(upgrade: NativeUpgrade): void {
  Object.defineProperty(Deno, "upgradeWebSocket", { value: upgrade, configurable: true, enumerable: true });
}

function adopt(socket: WebSocket, owner: SocketOwner): void {
  const live: LiveSocket = {
    close: (code, reason) => socket.close(code, reason),
    // Deno cannot drop a connection: it gives the other side a second to answer, then closes it.
    terminate: () => socket.close(1001),
  };
  socket.addEventListener("close", () => owner.closed(live));
  enterForEvents(socket, owner);
  owner.opened(live);
}

type EventListener = (event: Event) => unknown;

/** Deno carries the async context into the events of a socket, but knows nothing of the beacon. */
function enterForEvents(socket: WebSocket, owner: SocketOwner): void {
  const entering = new WeakMap<object, EventListener>();
  function wrap(listener: EventListener | EventListenerObject): EventListener {
    const known = entering.get(listener);
    if (known) return known;
    const call: EventListener = (event) =>
      typeof listener === "function" ? listener.call(socket, event) : listener.handleEvent(event);
    const wrapped: EventListener = (event) => owner.enter(() => call(event));
    entering.set(listener, wrapped);
    return wrapped;
  }
  for (const method of ["addEventListener", "removeEventListener"] as const) {
    const native = socket[method].bind(socket) as (type: string, ...rest: unknown[]) => void;
    Object.defineProperty(socket, method, {
      value: (type: string, listener: EventListener | null, ...rest: unknown[]) =>
        native(type, listener && wrap(listener), ...rest),
    });
  }
  for (const name of ["onopen", "onmessage", "onclose", "onerror"]) wrapHandler(socket, name, wrap);
}

function wrapHandler(
  socket: WebSocket,
  name: string,
  wrap: (listener: EventListener) => EventListener,
): void {
  const prototype = Object.getPrototypeOf(socket) as object;
  let handler: EventListener | null = null;
  Object.defineProperty(socket, name, {
    configurable: true,
    get: () => handler,
    set(next: unknown) {
      handler = typeof next === "function" ? (next as EventListener) : null;
      Reflect.set(prototype, name, handler && wrap(handler), socket);
    },
  });
}

function nativeServer(server: DenoServer, aborter: AbortController): NativeServer {
  let stopping: Promise<void> | undefined;
  return {
    address: addressOf(server.addr),
    peer: (_request, info) => peerOf((info as DenoInfo).remoteAddr),
    hold() {},
    follow: followCompleted,
    watch: (_request, info) => watchCompleted(info as DenoInfo),
    // It aborts after an answer was sent, too; by then nobody minds.
    whenGone(request, _info, gone) {
      dropWarning();
      request.signal.addEventListener("abort", gone);
    },
    facade: () => undefined,
    sending: sendingFrom(server.addr.transport === "tcp" ? server.addr.port : undefined),
    stop() {
      stopping ??= server.shutdown();
      return stopping;
    },
    async kill() {
      // After a shutdown Deno has forgotten the server; an abort would throw from inside the event.
      if (stopping) return;
      aborter.abort();
      await server.finished;
    },
  };
}

let isAwaited = false;

/** Deno warns once, on the console, when somebody listens to a request's signal. Nobody here is misled by it. */
function dropWarning(): void {
  if (isAwaited) return;
  isAwaited = true;
  const { warn } = console;
  const dropping = (...values: unknown[]) => {
    if (!String(values[0]).startsWith("Deno.serve: request.signal")) warn.apply(console, values);
    else if (console.warn === dropping) console.warn = warn;
  };
  console.warn = dropping;
}

function addressOf(bound: DenoAddress): NativeAddress {
  return bound.transport === "tcp"
    ? { tag: "tcp", host: bound.hostname, port: bound.port }
    : { tag: "unix", path: bound.path };
}

function peerOf(remote: DenoAddress): Peer | undefined {
  if (remote.transport !== "tcp") return undefined;
  const { hostname, port } = remote;
  return { address: hostname, port, family: hostname.includes(":") ? "IPv6" : "IPv4" };
}

function followCompleted(): Follower {
  let open = 0;
  const completed = () => {
    open--;
  };
  return {
    countsServer: false,
    add(_request, info) {
      open++;
      (info as DenoInfo).completed.then(completed, completed);
    },
    open: () => open,
  };
}

function watchCompleted(info: DenoInfo): () => boolean {
  let isCompleted = false;
  const completed = () => {
    isCompleted = true;
  };
  info.completed.then(completed, completed);
  return () => isCompleted;
}
