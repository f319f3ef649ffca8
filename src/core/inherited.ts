import type { PassedSockets } from "./plan.ts";

/** What systemd has told this process, and nobody else is to act on. */
export interface Inherited {
  /** Where systemd wants to hear from us: a path, or `@` and an abstract name. */
  readonly notifySocket?: string;
  /** A sign of life is due within this, in milliseconds. */
  readonly watchdogMs?: number;
  readonly sockets: PassedSockets;
}
