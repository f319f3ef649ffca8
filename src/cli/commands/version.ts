import process from "node:process";
import { buildInfo } from "../../core/build-info.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";

export const command: Handler<"version"> = async ({ options }, terminal) => {
  const { version, commit } = await buildInfo();
  const runtime = runtimeInfo();
  const { platform, arch } = process;
  terminal.out(
    options.json
      ? `${JSON.stringify({ version, commit, runtime, platform, arch }, undefined, 2)}\n`
      : `supervisor ${version} (${commit}), ${runtime.name} ${runtime.version}, ${platform}-${arch}\n`,
  );
  return ExitCode.clean;
};

function runtimeInfo(): { name: string; version: string } {
  const { bun, deno, node } = process.versions;
  if (bun) return { name: "bun", version: bun };
  return deno ? { name: "deno", version: deno } : { name: "node", version: node };
}
