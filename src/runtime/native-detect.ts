import type { Beacon } from "../core/beacon.ts";
import type { Native } from "./native.ts";

/** Never rejects: what a platform cannot do is told in `limitation`. `signals` are names like SIGTERM. */
export async function openNative(beacon: Beacon, signals: readonly NodeJS.Signals[]): Promise<Native> {
  // Literal specifiers only: compilers bundle what they can read here.
  if (process.versions.bun !== undefined)
    return (await import("./native-bun.ts")).openNative(beacon, signals);
  return (await import("./native-deno.ts")).openNative(beacon, signals);
}
