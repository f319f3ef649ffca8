import type { HealthPlace } from "../../control/ask-health.ts";
import { askHealth } from "../../control/ask-health.ts";
import { parseDuration } from "../../core/duration.ts";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";
import type { InstanceOptions } from "../instance.ts";
import { instanceOf } from "../instance.ts";
import type { Terminal } from "../terminal.ts";

/** What Docker and others know: 0 is healthy, 1 is not. Only a wrong command line is neither. */
const unhealthy = 1;

export const command: Handler<"healthcheck"> = async ({ positionals, options }, terminal) => {
  const { live, timeout = "5s", url } = options;
  const timeoutMs = parseDuration(timeout);
  if (!timeoutMs) throw usage(`--timeout cannot be "${timeout}"`, "Write it like 5s or 500ms.");
  if (url !== undefined && !(URL.canParse(url) && /^http:/i.test(url))) {
    throw usage(`--url cannot be "${url}"`, "Write it like http://127.0.0.1:6060: admin has no TLS.");
  }
  const [service] = positionals;
  if (live && service !== undefined) throw usage("--live is about the whole process", "Leave the name out.");
  const path = live ? "/livez" : `/readyz${service === undefined ? "" : `/${encodeURIComponent(service)}`}`;
  const place = url === undefined ? await socketOf(options, terminal) : { url };
  if (!place) return unhealthy;
  const { healthy, text } = await askHealth(place, path, timeoutMs);
  if (healthy) terminal.out(`${text}\n`);
  else terminal.err(`${text}\n`);
  return healthy ? ExitCode.clean : unhealthy;
};

/** Undefined when none runs; that is said. */
async function socketOf(options: InstanceOptions, terminal: Terminal): Promise<HealthPlace | undefined> {
  try {
    return { socketPath: (await instanceOf(options, terminal)).socket };
  } catch (error) {
    if (!(error instanceof SupervisorError) || error.code !== "NOT_RUNNING") throw error;
    terminal.err(`${error.message}\n`);
    return undefined;
  }
}

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}
