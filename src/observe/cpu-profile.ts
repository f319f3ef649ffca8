import { writeFileSync } from "node:fs";
import type { Session } from "node:inspector";
import { join } from "node:path";
import type { Logger } from "../core/log.ts";

/**
 * Returns a switch: the first call begins a CPU profile of the main thread, the next one ends it and writes
 * NAME-PID-TIME.cpuprofile into the temporary folder (browsers' developer tools open it). Failures are
 * logged, never thrown; the inspector is loaded with the first call only.
 */
export function cpuProfileSwitch(name: string, log: Logger): () => Promise<void> {
  let running: Session | undefined;
  return async () => {
    try {
      if (running) await end(running, name, log);
      running = running ? undefined : await begin(log);
    } catch (error) {
      running = undefined;
      log.error("cannot take a CPU profile", { error });
    }
  };
}

async function begin(log: Logger): Promise<Session> {
  const inspector = await import("node:inspector");
  const session = new inspector.Session();
  session.connect();
  await post(session, "Profiler.enable");
  await post(session, "Profiler.start");
  log.info("CPU profile begun; the same signal ends it");
  return session;
}

async function end(session: Session, name: string, log: Logger): Promise<void> {
  const { profile } = (await post(session, "Profiler.stop")) as { profile: unknown };
  session.disconnect();
  // Loaded here only: no start needs it.
  const { tmpdir } = process.getBuiltinModule("node:os");
  const file = join(tmpdir(), `${name}-${process.pid}-${Date.now()}.cpuprofile`);
  writeFileSync(file, JSON.stringify(profile), { mode: 0o600 });
  log.info(`CPU profile written to ${file}`, { file });
}

function post(session: Session, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, (error, result) => (error ? reject(error) : resolve(result)));
  });
}
