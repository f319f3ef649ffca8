import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger } from "../core/log.ts";

/**
 * Whose code is running: set around every call into a service, and carried by the runtime through
 * whatever that call leaves behind. Console capture and error attribution read it.
 */
export interface Scope {
  readonly service: string;
  readonly generation: number;
  readonly log: Logger;
  /** The service's cell value in the beacon: which service the main thread is busy with. */
  readonly beacon: number;
  /** Takes an error nobody caught as a failure of this generation. */
  readonly failed: (error: unknown) => void;
}

export const scopes: AsyncLocalStorage<Scope> = new AsyncLocalStorage<Scope>();
