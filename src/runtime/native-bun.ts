import type { FFITypeOrString } from "bun:ffi";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import { giveBack } from "./give-back.ts";
import type { Libc, LibcType } from "./libc.ts";
import { firstLibc, libcParameters } from "./libc.ts";
import type { Native } from "./native.ts";

/**
 * Bun runs signal handlers on the main loop only, so a frozen one hides every signal. A few lines of C,
 * compiled in memory, stand before Bun's own handler and count.
 */
export async function openNative(beacon: Beacon, signals: readonly NodeJS.Signals[]): Promise<Native> {
  const opened = await open(beacon);
  const numbers = signals.map((signal) => constants.signals[signal]);
  return {
    watchSignals() {
      for (const number of numbers) opened.cell?.watch(number);
    },
    release() {
      for (const number of numbers) opened.cell?.unwatch(number);
    },
    exit,
    giveBack: () => (opened.cell ? giveBack(opened.cell.drop) : 0),
    ...(opened.limitation === undefined ? {} : { limitation: opened.limitation }),
  };
}

const ffiTypes: Readonly<Record<LibcType, FFITypeOrString>> = {
  i32: "i32",
  u32: "u32",
  size: "u64",
  bytes: "ptr",
};

/** Rejects without a C library, or where code cannot be made at run time. */
export async function openLibc(): Promise<Libc> {
  const { dlopen } = await import("bun:ffi");
  const symbols = Object.fromEntries(
    Object.entries(libcParameters).map(([name, types]) => [
      name,
      { args: types.map((type) => ffiTypes[type]), returns: name === "sendto" ? "i64" : "i32" } as const,
    ]),
  );
  return firstLibc((file) => dlopen(file, symbols).symbols as unknown as Libc);
}

/** The compiled C. */
interface Cell {
  watch(signal: number): void;
  unwatch(signal: number): void;
  /** Unmaps the pages from `start` on; throws when the kernel refuses. */
  drop(start: number, length: number): void;
}

interface Opened {
  readonly cell?: Cell;
  readonly limitation?: string;
}

let exitProcess: ((code: number) => void) | undefined;

async function open(beacon: Beacon): Promise<Opened> {
  try {
    const { cc, dlopen, ptr } = await import("bun:ffi");
    const libc = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
    // Bound when it is needed: binding costs memory, and most processes end by themselves.
    exitProcess = (code) => dlopen(libc, { _exit: { args: ["i32"], returns: "void" } }).symbols._exit(code);
    // The layout of struct sigaction is the one of 64-bit Linux.
    if (process.platform !== "linux") return { limitation: `not built for ${process.platform}` };
    return { cell: compile(beacon, cc, ptr) };
  } catch (error) {
    return { limitation: error instanceof Error ? error.message : String(error) };
  }
}

function exit(code: number): never {
  try {
    exitProcess?.(code);
  } catch {
    // Without a C library to call, what follows is all there is.
  }
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable: SIGKILL cannot be survived");
}

type Ffi = typeof import("bun:ffi");

function compile(beacon: Beacon, cc: Ffi["cc"], ptr: Ffi["ptr"]): Cell {
  const folder = mkdtempSync(join(tmpdir(), "supervisor-"));
  try {
    const source = join(folder, "cell.c");
    writeFileSync(source, cellC, { mode: 0o600 });
    library = cc({
      source,
      symbols: {
        watch: { args: ["i32", "ptr"], returns: "i32" },
        unwatch: { args: ["i32"], returns: "i32" },
        drop: { args: ["ptr", "u64"], returns: "i32" },
      },
    });
    const { symbols } = library as Library;
    return {
      watch: (signal) => symbols.watch(signal, ptr(beacon)),
      unwatch: (signal) => symbols.unwatch(signal),
      drop(start, length) {
        if (symbols.drop(start, length) !== 0) throw new Error("madvise was refused");
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Library {
  readonly symbols: {
    watch(signal: number, cells: unknown): number;
    unwatch(signal: number): number;
    drop(start: number, length: number): number;
  };
}

/** Held for ever: a collected library would leave the process with a handler that is gone. */
let library: unknown;

// Only what somebody handles is watched: counting must never turn a deadly signal into a harmless one.
const cellC = `
struct action { void (*handler)(int, void *, void *); unsigned long mask[16]; int flags; void *restorer; };
int sigaction(int, const struct action *, struct action *);
static volatile int *cells;
static struct action before[65];

static void count(int signal, void *info, void *context) {
  if (cells) { cells[${beaconCells.signal}] = signal; cells[${beaconCells.signals}]++; }
  if ((unsigned long)before[signal].handler > 1) before[signal].handler(signal, info, context);
}

int watch(int signal, int *shared) {
  struct action now;
  cells = shared;
  if (sigaction(signal, 0, &now)) return -1;
  if (now.handler == count || (unsigned long)now.handler <= 1) return 0;
  before[signal] = now;
  now.handler = count;
  return sigaction(signal, &now, 0);
}

int unwatch(int signal) {
  struct action now;
  if (sigaction(signal, 0, &now)) return -1;
  return now.handler == count ? sigaction(signal, &before[signal], 0) : 0;
}

int madvise(void *, unsigned long, int);

int drop(void *start, unsigned long length) {
  return madvise(start, length, 4 /* MADV_DONTNEED */);
}
`;
