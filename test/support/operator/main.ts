import { writeSync } from "node:fs";
import { startOperator } from "../../../src/control/operator-link.ts";
import { createBeacon, withMark } from "../../../src/core/beacon.ts";
import { formatAddress } from "../../../src/core/plan.ts";
import type { ServiceState } from "../../../src/core/snapshot.ts";
import { startPulse } from "../../../src/observe/pulse.ts";

/*
 * A program with two services that exist only as snapshots. It prints `listening ADDRESS`, then does what
 * each line of its arguments says, in order:
 *
 *   spin MARK          blocks the loop for ever in the code of that service (0: of none)
 *   hang MARK [MS]     the same without using the processor, for ever or for MS
 *   stop               says that the group stops, and when; then never ends
 *   close              ends the operator's plane and the process
 *   wait MS
 */

interface Settings {
  readonly budgetMs: number;
  readonly steps: readonly string[];
  readonly port?: number;
  readonly stopReportFile?: string;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const beacon = createBeacon();
startPulse(beacon);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => say(`main got ${signal}`));
const operator = startOperator({
  entry: new URL("./operator.ts", import.meta.url),
  name: "fixture",
  file: "services.yaml",
  startedAt: Date.now(),
  admin: { listen: { tag: "tcp", host: "127.0.0.1", port: settings.port ?? 0 } },
  log: { level: "debug", format: "json", color: false },
  secrets: [],
  services: [
    { name: "alpha", critical: true },
    { name: "beta", critical: false },
  ],
  beacon,
  budgetMs: settings.budgetMs,
  signalTurn: new Int32Array(new SharedArrayBuffer(4)),
  ...(settings.stopReportFile ? { stopReportFile: settings.stopReportFile } : {}),
});

// Holds the process: neither the pulse nor the thread does.
setInterval(() => {}, 60_000);
try {
  const address = await operator.listening;
  changed("alpha", true, "ready");
  changed("beta", false, "backoff");
  say(`listening ${address ? formatAddress(address) : "nowhere"}`);
  for (const step of settings.steps) await perform(step);
} catch (error) {
  say(`failed ${(error as { code?: string }).code} ${(error as Error).message}`);
  await operator.close();
  process.exit(70);
}

async function perform(step: string): Promise<void> {
  const [word, ...values] = step.split(" ");
  const [first = 0, second] = values.map(Number);
  switch (word) {
    case "wait":
      await new Promise((resolve) => setTimeout(resolve, first));
      break;
    case "spin":
      say("freezing");
      withMark(beacon, first, () => {
        while (beacon);
      });
      break;
    case "hang":
      say("freezing");
      withMark(beacon, first, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, second));
      say("thawed");
      break;
    case "stop":
      say(`stopping ${Date.now()}`);
      operator.listener({ type: "groupStopping", cause: { tag: "request" }, budgetMs: settings.budgetMs });
      changed("alpha", true, "stopping");
      break;
    case "close": {
      const before = performance.now();
      await operator.close();
      say(`closed ${Math.round(performance.now() - before)}`);
      process.exit(0);
    }
  }
}

function changed(name: string, critical: boolean, state: ServiceState): void {
  const snapshot = { name, critical, state, generation: 1, since: Date.now(), failures: 0 };
  operator.listener({ type: "serviceChanged", from: "starting", snapshot });
}

function say(text: string): void {
  writeSync(1, `${text}\n`);
}
