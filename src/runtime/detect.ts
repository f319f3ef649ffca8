import type { Runtime } from "./runtime.ts";

let detected: Promise<Runtime> | undefined;

/**
 * The runtime that this process runs on; the same object every time. Only its own file is imported.
 * @throws when it is neither Bun nor Deno.
 */
export function detectRuntime(): Promise<Runtime> {
  detected ??= importRuntime();
  return detected;
}

// Literal specifiers only: compilers bundle what they can read here.
async function importRuntime(): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime;
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime;
  throw new Error("supervisor needs Bun or Deno: run it with `bun` or `deno run -A`");
}
