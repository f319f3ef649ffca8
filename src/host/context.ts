import type { Logger } from "../core/log.ts";
import type { Context, ServiceHandle } from "../service/contract.ts";
import type { Queue } from "../service/message.ts";

export interface ContextOptions {
  readonly name: string;
  readonly generation: number;
  readonly config: () => unknown;
  /** The service's own `env:` block. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly deadline: () => number;
  readonly ready: () => void;
  readonly defer: (cleanup: () => void | Promise<void>) => void;
  readonly service: (name: string) => ServiceHandle;
  readonly queue: (broker?: string) => Queue;
}

/** What a service is given. `env` is merged on first use: a thousand services need no thousand copies. */
export function createContext(options: ContextOptions): Context {
  const { name, generation, log, signal, ready, defer, service, queue } = options;
  let env: Context["env"] | undefined;
  return {
    name,
    generation,
    log,
    signal,
    ready,
    defer,
    service,
    queue,
    get config() {
      return options.config();
    },
    get env() {
      env ??= Object.freeze({ ...process.env, ...options.env });
      return env;
    },
    get deadline() {
      return options.deadline();
    },
  };
}
