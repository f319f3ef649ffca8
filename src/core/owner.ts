import { hostname } from "node:os";

/** Who holds leases and claims times: unlike every other, and others see by it whether the process still runs. */
export function newOwner(): string {
  return `${hostname()}:${process.pid}:${crypto.randomUUID()}`;
}
