import { SupervisorError } from "../core/errors.ts";
import type { Bundler } from "./bundler.ts";

/** @throws SupervisorError UNSUPPORTED where the runtime has none. */
export async function importBundler(): Promise<Bundler> {
  if ("Bun" in globalThis) return (await import("./bundler-bun.ts")).bunBundler;
  throw new SupervisorError(
    "UNSUPPORTED",
    "Only the compiled supervisor, and its source under Bun, can make executables",
    'Take the binary, or run "bun src/main.ts build".',
  );
}
