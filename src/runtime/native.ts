import type { Beacon } from "../core/beacon.ts";

/** What the operator's plane needs below JavaScript, because main may not run any. */
export interface Native {
  /**
   * Counts stop signals in the beacon from the moment they arrive, also while main is frozen; main's own
   * handlers see them as before. Cheap when it holds already: call it again to follow main's changes.
   */
  watchSignals(): void;
  /** Takes the watch off again: before this thread ends, and before main gives up its handlers. */
  release(): void;
  /** Ends the whole process at once, whatever main does; no exit handler runs. */
  exit(code: number): never;
  /** Why signals cannot be seen while main is frozen, when that is so. */
  readonly limitation?: string;
}

/** Never rejects: what a platform cannot do is told in `limitation`. `signals` are names like SIGTERM. */
export async function openNative(beacon: Beacon, signals: readonly NodeJS.Signals[]): Promise<Native> {
  // Literal specifiers only: compilers bundle what they can read here.
  if (process.versions.bun !== undefined)
    return (await import("./native-bun.ts")).openNative(beacon, signals);
  return (await import("./native-deno.ts")).openNative(beacon, signals);
}
