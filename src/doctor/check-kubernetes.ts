import { formatDuration } from "../core/duration.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Inside a pod: what to write there, because its time limit cannot be read from within. */
export function checkKubernetes({ plan, locate, machine }: Subject): Finding[] {
  if (!machine.variables.KUBERNETES_SERVICE_HOST) return [];
  const { timeout, delay } = plan.shutdown;
  const grace = Math.ceil(timeout / 1_000) + 2;
  const at = locate(["shutdown", "timeout"]);
  const findings: Finding[] = [
    {
      // Kubernetes' own default: with less, nothing has to be written.
      level: grace > 30 ? "warn" : "info",
      code: "KUBERNETES_GRACE",
      message: `A stop may take ${formatDuration(timeout)}; Kubernetes kills the pod after terminationGracePeriodSeconds, 30 unless it says otherwise`,
      remedy: `Set terminationGracePeriodSeconds: ${grace} in the pod, or more.`,
      ...(at ? { position: at } : {}),
    },
  ];
  if (delay > 0 || !plan.services.some(({ http }) => http)) return findings;
  return [
    ...findings,
    {
      level: "warn",
      code: "KUBERNETES_GRACE",
      message:
        "Kubernetes sends requests for some seconds after it has asked for the stop, but shutdown.delay is 0s",
      remedy: "Set shutdown.delay: 5s, and add it to terminationGracePeriodSeconds.",
    },
  ];
}
