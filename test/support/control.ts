import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ControlClient } from "../../src/control/client.ts";
import { connectControl } from "../../src/control/client.ts";
import { until } from "./until.ts";

/** The control socket of the supervisor `name` with `runtimeDirectory` as its XDG_RUNTIME_DIR, once it is there. */
export async function controlOf(runtimeDirectory: string, name: string): Promise<ControlClient> {
  const socket = join(runtimeDirectory, "supervisor", `${name}.sock`);
  await until(async () => existsSync(socket), Boolean);
  return connectControl(socket);
}
