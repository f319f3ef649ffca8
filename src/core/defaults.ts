import type { HealthPlan, HttpPlan, RestartPlan, ShutdownPlan } from "./plan.ts";

/*
 * What applies where nothing is said, in services.yaml and in the library alike. Milliseconds and bytes.
 */

export const defaultShutdown: ShutdownPlan = {
  timeout: 30_000,
  delay: 0,
  order: "reverse",
  streamsTimeout: 1_000,
};

/** A service that lives a second each time still meets the limit: only `stable` resets the backoff. */
export const defaultRestart: RestartPlan = {
  policy: "on-failure",
  limit: 5,
  within: 60_000,
  backoff: { min: 100, max: 30_000, factor: 2 },
  stable: 10_000,
};

export const defaultHealth: HealthPlan = { interval: 5_000, timeout: 2_000, failures: 3 };

export const defaultHttpLimits: HttpPlan["limits"] = {
  body: 16 * 1_048_576,
  requestTimeout: 0,
  idleTimeout: 60_000,
};

export const defaultStartTimeout = 30_000;
