import type { Beacon } from "../core/beacon.ts";
import type { Native, SystemCalls } from "./native.ts";

/** Never rejects: what a platform cannot do is told in `limitation`. `signals` are names like SIGTERM. */
export async function openNative(beacon: Beacon, signals: readonly NodeJS.Signals[]): Promise<Native> {
  // Literal specifiers only: compilers bundle what they can read here.
  if (process.versions.bun !== undefined)
    return (await import("./native-bun.ts")).openNative(beacon, signals);
  return (await import("./native-deno.ts")).openNative(beacon, signals);
}

/** Undefined where there are none: not on Linux, or without a C library that can be called. Never rejects. */
export async function openSystemCalls(): Promise<SystemCalls | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const { openLibc } =
      process.versions.bun !== undefined ? await import("./native-bun.ts") : await import("./native-deno.ts");
    const libc = await openLibc();
    return (await import("./system-calls.ts")).systemCallsOf(libc);
  } catch {
    // No permission to call it, no JIT to call it with: whoever asks says what is missing without it.
    return undefined;
  }
}
