import { constants } from "node:os";
import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Native } from "./native.ts";

/** Deno hands signals to every thread that listens, so this one sees them while main is frozen. */
export async function openNative(beacon: Beacon, signals: readonly NodeJS.Signals[]): Promise<Native> {
  const handlers = signals.map((signal) => [signal, () => count(beacon, constants.signals[signal])] as const);
  let watching = false;
  return {
    watchSignals() {
      if (watching) return;
      watching = true;
      for (const [signal, handler] of handlers) process.on(signal, handler);
    },
    release() {
      watching = false;
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
    exit,
    // Its executable takes three times as much, but to unmap a part of it takes C, which Deno does not compile.
    giveBack: () => 0,
  };
}

// The part of Deno that is used here; its own types and Bun's do not go together.
declare const Deno: {
  dlopen(
    file: string,
    symbols: { readonly _exit: { readonly parameters: readonly ["i32"]; readonly result: "void" } },
  ): { readonly symbols: { _exit(code: number): void } };
};

function count(beacon: Beacon, signal: number): void {
  beacon[beaconCells.signal] = signal;
  Atomics.add(beacon, beaconCells.signals, 1);
}

function exit(code: number): never {
  try {
    const libc = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
    // `process.exit` ends only the thread that calls it.
    Deno.dlopen(libc, { _exit: { parameters: ["i32"], result: "void" } }).symbols._exit(code);
  } catch {
    // Without a C library to call, or without permission to, what follows is all there is.
  }
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable: SIGKILL cannot be survived");
}
