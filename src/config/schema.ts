import type { DependencyCondition } from "../core/plan.ts";
import type { Field, ObjectOf, Written } from "./fields.ts";
import { any, bool, duration, list, map, object, oneOf, path, string, text, union } from "./fields.ts";
import { admin } from "./schema-admin.ts";
import { brokers } from "./schema-brokers.ts";
import { consume } from "./schema-consume.ts";
import { http, limits } from "./schema-http.ts";
import { instances, isolation, memory, replace } from "./schema-isolation.ts";
import { health, restart } from "./schema-restart.ts";
import { schedule } from "./schema-schedule.ts";
import { log, shutdown } from "./schema-whole.ts";

/**
 * The one description of services.yaml. Validation, defaults, services.schema.json and
 * docs/services-yaml.md are made from it: a key that is not here does not exist.
 */

const critical = bool({
  description:
    "When the service is given up for good: `true` stops everything in order and exits 70, `false` goes on without it. When nothing is left and nothing has completed, that is 70, too.",
  default: "true",
  example: "false",
});

const env = map(
  text({ description: "Text, a number, true or false.", required: true, example: "eu-west-1" }),
  {
    description:
      "Variables that the service sees as `ctx.env`, over those of the process. Numbers stay as written.",
    default: "{}",
    example: "{ REGION: eu-west-1 }",
  },
);

const startTimeout = duration({
  description: "Not ready after this long is a failure.",
  default: "30s",
  min: 1,
  example: "2m",
});

const stopTimeout = duration({
  description:
    "The longest the service may take to stop; then it is cut off. Absent: up to 10s, and never less than its share of what `shutdown.timeout` leaves.",
  min: 1,
  example: "5s",
});

const dependencyConditions = ["started", "ready", "completed"] as const;

/** Every key of a service. */
export const serviceFields = {
  module: path({
    description:
      "The file that exports the service, relative to the folder of this file. Required, but for a service that is nothing but a `schedule` with `enqueue`.",
    example: "./services/api.ts",
  }),
  export: string({
    description: "The export of the module that is the service.",
    default: "default",
    example: "worker",
  }),
  enabled: bool({
    description: "`false` leaves the service out, as if it were not written.",
    default: "true",
    example: "false",
  }),
  depends_on: union<Readonly<Record<string, DependencyCondition>>>(
    {
      scalars: [string({ description: "One service that must be ready.", rule: "a name", example: "db" })],
      list: list(
        string({
          description: "A service that must be ready.",
          rule: "a name",
          required: true,
          example: "db",
        }),
        {
          description: "Services that must be ready.",
          example: "[db, cache]",
        },
      ),
      map: map(
        oneOf(dependencyConditions, {
          description: "What must hold: its start was called, it is ready, or its `run` has resolved.",
          required: true,
          example: "ready",
        }),
        {
          description: "Services, and what must hold for each.",
          example: "{ db: ready, migrate: completed }",
        },
      ),
    },
    (value, shape) =>
      shape === "map" ? value : allReady(shape === "scalar" ? [value] : (value as unknown[])),
    {
      description:
        "Services that this one needs before it starts; it also stops before them. A name or a list of names means `ready`.",
      default: "{}",
      example: "{ db: ready, migrate: completed }",
    },
  ),
  critical,
  config: any({
    description:
      "Handed to the service as `ctx.config`, after the module's own `config` schema has checked it. Variables give text here.",
    default: "{}",
    example: "{ currency: EUR }",
  }),
  env,
  start_timeout: startTimeout,
  stop_timeout: stopTimeout,
  restart,
  health,
  replace,
  http,
  consume,
  schedule,
  isolation,
  instances,
  memory,
};

const defaults = {
  critical,
  env,
  start_timeout: startTimeout,
  stop_timeout: stopTimeout,
  restart,
  health,
  replace,
  http: object({ limits }, { description: "Only `limits`.", example: "{ limits: { body: 1MiB } }" }),
};

/** Every key that may stand at the top level, but for `services`, whose values have `serviceFields`. */
export const headFields = {
  name: string({
    description:
      "What the whole is called in logs, and where its sockets are. Default: the name of the folder.",
    pattern: /^[a-z0-9][a-z0-9-]*$/,
    rule: "lower-case letters, digits and -",
    example: "shop",
  }),
  admin,
  brokers,
  log,
  shutdown,
  on_unattributed: oneOf(["log", "stop"], {
    description:
      "What follows on an error that nobody caught and that no service can be blamed for: `log` writes it to the log, `stop` stops everything in order and exits 70.",
    default: "log",
    example: "stop",
  }),
  defaults: object(defaults, {
    description: "Merged under every service, key by key: what a service says itself wins.",
    example: "{ restart: { limit: 3 } }",
  }),
} as const satisfies Readonly<Record<string, Field>>;

export const serviceNames = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  rule: "letters, digits, ., _ and -, beginning with a letter or a digit",
} as const;

export const servicesField = map(
  object(serviceFields, {
    description: "One service.",
    required: true,
    example: "{ module: ./services/api.ts, http: { port: 8080 } }",
  }),
  {
    description: "What runs: a name for each service, and how it runs.",
    required: true,
    keys: serviceNames.pattern,
    keyRule: serviceNames.rule,
    example: "{ api: { module: ./services/api.ts } }",
  },
);

/** All of services.yaml. */
export const rootFields: Readonly<Record<string, Field>> = { ...headFields, services: servicesField };

export type ServiceSettings = ObjectOf<typeof serviceFields>;
export type HttpSettings = NonNullable<ServiceSettings["http"]>;
export type WrittenService = Written<ServiceSettings>;
export type HeadSettings = ObjectOf<typeof headFields>;

function allReady(names: readonly unknown[]): Readonly<Record<string, DependencyCondition>> {
  return Object.fromEntries(names.map((name) => [String(name), "ready" as const]));
}
