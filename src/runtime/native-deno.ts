import { constants } from "node:os";
import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Libc, LibcType } from "./libc.ts";
import { firstLibc, libcParameters } from "./libc.ts";
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

const ffiTypes: Readonly<Record<LibcType, string>> = {
  i32: "i32",
  u32: "u32",
  size: "usize",
  bytes: "buffer",
};

/** Rejects without a C library, or without permission to call it. */
export async function openLibc(): Promise<Libc> {
  const symbols = Object.fromEntries(
    Object.entries(libcParameters).map(([name, types]) => [
      name,
      { parameters: types.map((type) => ffiTypes[type]), result: name === "sendto" ? "isize" : "i32" },
    ]),
  );
  return firstLibc((file) => Deno.dlopen(file, symbols).symbols as unknown as Libc);
}

// The part of Deno that is used here; its own types and Bun's do not go together.
declare const Deno: {
  dlopen(
    file: string,
    symbols: Readonly<Record<string, { readonly parameters: readonly string[]; readonly result: string }>>,
  ): { readonly symbols: Record<string, (...values: never[]) => unknown> };
};

function count(beacon: Beacon, signal: number): void {
  beacon[beaconCells.signal] = signal;
  Atomics.add(beacon, beaconCells.signals, 1);
}

function exit(code: number): never {
  try {
    const libc = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
    // `process.exit` ends only the thread that calls it.
    Deno.dlopen(libc, { _exit: { parameters: ["i32"], result: "void" } }).symbols._exit?.(code as never);
  } catch {
    // Without a C library to call, or without permission to, what follows is all there is.
  }
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable: SIGKILL cannot be survived");
}
