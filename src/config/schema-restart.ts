import type { RestartPlan } from "../core/plan.ts";
import { duration, number, object, oneOf, union } from "./fields.ts";

const restartPolicies = ["on-failure", "always", "never"] as const;

const restartBlock = object(
  {
    policy: oneOf(restartPolicies, {
      description:
        "When to start the service again: after a failure, also after `run` has resolved, or not at all.",
      default: "on-failure",
      example: "always",
    }),
    limit: number({
      description:
        "How many failures are forgiven within `within`, or, however long that takes, in a row without the service having been ready; one more and it is given up. A critical service then ends the process, any other is quarantined.",
      default: "5",
      min: 0,
      max: 1_000_000,
      example: "3",
    }),
    within: duration({
      description:
        "The window in which failures of a service that was ready count towards `limit`. With the defaults a service that dies one second after each start reaches the limit in about ten seconds.",
      default: "1m",
      min: 1,
      example: "5m",
    }),
    backoff: object(
      {
        min: duration({
          description: "The longest wait before the first restart.",
          default: "100ms",
          example: "1s",
        }),
        max: duration({
          description:
            "No wait is longer than this, but in quarantine: there the first one is this long, then 2, 4, 8 times as long, and 10 times from the fifth on, until the service has been ready for `stable`.",
          default: "30s",
          example: "1m",
        }),
        factor: number({
          description: "Each wait may be this many times as long as the one before.",
          default: "2",
          min: 1,
          max: 1_000,
          whole: false,
          example: "1.5",
        }),
      },
      {
        description:
          "How long to wait before a restart. The wait is random between 0 and this bound, so that services which failed together do not come back together.",
        default: "{}",
        example: "{ min: 1s, max: 1m }",
      },
    ),
    stable: duration({
      description:
        "Ready for this long, and the backoff starts from `min` again. It must be longer than the life of a service that keeps dying, or the limit is never reached.",
      default: "10s",
      min: 1,
      example: "30s",
    }),
  },
  { description: "", example: "{ policy: on-failure, limit: 3 }", default: "{}" },
);

/** What follows on a failure. */
export const restart = union<RestartPlan>(
  {
    scalars: [
      oneOf(restartPolicies, { description: "The policy, with defaults for the rest.", example: "always" }),
    ],
    map: restartBlock,
  },
  (value, shape) => (shape === "scalar" ? { policy: value } : value),
  {
    description: "What happens when the service fails. A word is short for `{ policy: WORD }`.",
    example: "{ limit: 3, within: 5m }",
    default: "{}",
  },
);

/** How a service is asked how it is. */
export const health = object(
  {
    interval: duration({
      description: "The time between two probes.",
      default: "5s",
      min: 1,
      example: "10s",
    }),
    timeout: duration({
      description: "A probe that takes longer has failed.",
      default: "2s",
      min: 1,
      example: "500ms",
    }),
    failures: number({
      description: "This many failed probes in a row are a failure of the service.",
      default: "3",
      min: 1,
      max: 1_000_000,
      example: "5",
    }),
  },
  {
    description: "How often the service's own `health` function is asked; without one nothing is.",
    default: "{}",
    example: "{ interval: 10s }",
  },
);
