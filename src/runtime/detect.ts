import { keyIn, sealed } from "../core/sealed.ts";
import type { Runtime } from "./runtime.ts";

let detected: Promise<Runtime> | undefined;

/**
 * The runtime that this process runs on; the same object every time. Only its own file is imported.
 * @throws when it is neither Bun nor Deno.
 */
export function detectRuntime(): Promise<Runtime> {
  detected ??= importRuntime().then(withSealedModules);
  return detected;
}

/** What is sealed into the executable is imported from there; it never changes. */
function withSealedModules(runtime: Runtime): Runtime {
  const inside = sealed();
  if (!inside) return runtime;
  return {
    ...runtime,
    reloadsModules: false,
    // Resolved when it was built.
    provideModule() {},
    importModule(path) {
      const load = inside.modules[keyIn(inside, path)];
      return load ? load() : Promise.reject(new Error(`Cannot find module '${path}' inside this executable`));
    },
  };
}

// Literal specifiers only: compilers bundle what they can read here.
async function importRuntime(): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime;
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime;
  throw new Error("supervisor needs Bun or Deno: run it with `bun` or `deno run -A`");
}
