/**
 * The few things that Bun and Deno do differently. Everything else is `node:*`.
 * `bun.ts` and `deno.ts` implement this with the same functions in the same order.
 */
export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /** Imports a file of the user by absolute path. Rejects with what the runtime says. */
  importModule(path: string): Promise<Record<string, unknown>>;
  /** Makes `import … from specifier` work in files of the user, with nothing installed. */
  provideModule(specifier: string, exports: Record<string, unknown>): void;
  /** Binds a native HTTP server. Throws at once, with `code` EADDRINUSE, EACCES or EADDRNOTAVAIL. */
  serve(options: ServeOptions): NativeServer;
  /** Turns the request into a WebSocket; the server must have handed over this very `request` and `info`. */
  upgradeWebSocket(
    request: Request,
    info: NativeInfo,
    protocol?: string,
  ): { socket: WebSocket; response: Response };
}

export interface ServeOptions {
  readonly address:
    | { readonly tag: "tcp"; readonly host: string; readonly port: number }
    | { readonly tag: "unix"; readonly path: string };
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Milliseconds without traffic after which a connection is closed; 0 is never. */
  readonly idleTimeout: number;
  readonly fetch: (request: Request, info: NativeInfo) => Response | Promise<Response>;
}

/** Whatever the native server hands to its handler beside the request. */
export type NativeInfo = unknown;

export interface NativeServer {
  /** What was really bound; the port is known even when 0 was asked for. */
  readonly address: ServeOptions["address"];
  clientAddress(request: Request, info: NativeInfo): string | undefined;
  /** Stops accepting, closes idle connections, resolves when every response and WebSocket has ended. */
  stop(): Promise<void>;
  /** Closes everything now. */
  kill(): void;
}
