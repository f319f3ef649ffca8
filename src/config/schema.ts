import type { Address, DependencyCondition, RestartPlan } from "../core/plan.ts";
import { hostPattern } from "./address.ts";
import type { Field, ObjectOf, Written } from "./fields.ts";
import {
  address,
  any,
  bool,
  duration,
  justFalse,
  list,
  map,
  number,
  object,
  oneOf,
  path,
  size,
  string,
  text,
  union,
} from "./fields.ts";

/**
 * The one description of services.yaml. Validation, defaults, services.schema.json and
 * docs/services-yaml.md are made from it: a key that is not here does not exist.
 */

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
        "How many failures within `within` are forgiven; one more and the service is given up. A critical service then ends the process, any other is quarantined.",
      default: "5",
      min: 0,
      max: 1_000_000,
      example: "3",
    }),
    within: duration({
      description:
        "The window in which failures count towards `limit`. With the defaults a service that dies one second after each start reaches the limit in about ten seconds.",
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
          description: "No wait is longer than this.",
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

const restart = union<RestartPlan>(
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

const health = object(
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

const limits = object(
  {
    body: size({
      description: "The largest request body; above it the answer is 413.",
      default: "16MiB",
      example: "1MiB",
    }),
    request_timeout: duration({
      description:
        "From the arrival of a request to the headers of its response; above it the answer is 503. `0s` is no limit.",
      default: "0s",
      example: "30s",
    }),
    idle_timeout: duration({
      description: "A connection without traffic is closed after this. `0s` is never.",
      default: "60s",
      example: "2m",
    }),
  },
  {
    description: "What a client may use up.",
    default: "{}",
    example: "{ body: 1MiB, request_timeout: 30s }",
  },
);

const tls = object(
  {
    cert: path({
      description: "The certificate chain, PEM.",
      required: true,
      example: "./tls/cert.pem",
    }),
    key: path({
      description: "The private key, PEM.",
      required: true,
      example: "./tls/key.pem",
    }),
  },
  {
    description: "Serves HTTPS. Services on one port need the same files.",
    example: "{ cert: ./tls/cert.pem, key: ./tls/key.pem }",
  },
);

const http = object(
  {
    port: number({
      description:
        "The TCP port; `0` takes any free one. Several services may share one when they differ in `path` or `hostname`. Needed unless `unix` is given.",
      min: 0,
      max: 65_535,
      example: "8080",
    }),
    host: string({
      description:
        "The address to listen on. The default is reachable from this machine only; in a container, or to be reached from outside, write `0.0.0.0`, or `${HOST:-127.0.0.1}` to decide it there.",
      pattern: hostPattern,
      rule: "a host name or an IP address",
      default: "127.0.0.1",
      example: "0.0.0.0",
    }),
    unix: path({
      description: "A unix socket to listen on, instead of `port` and `host`.",
      example: "./run/api.sock",
    }),
    path: string({
      description:
        "Only requests for this path, or below it, are the service's. Of the services on one port the longest path wins.",
      pattern: /^\/[^?#\s]*$/,
      rule: "a path that begins with /",
      default: "/",
      example: "/api",
    }),
    hostname: string({
      description: "Only requests for this host (the `Host` header) are the service's. Absent: any.",
      pattern: /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
      rule: "a host name without port",
      example: "api.example.com",
    }),
    tls,
    limits,
  },
  {
    description: "Serves the module's `fetch` over HTTP.",
    example: "{ port: 8080 }",
  },
);

const critical = bool({
  description:
    "When the service is given up for good: `true` stops everything in order and exits 70, `false` goes on without it.",
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

const isolation = oneOf(["inline", "worker"], {
  description:
    "Where the service runs. `inline`: on the main thread, at no cost, but a busy loop in it stops every service. `worker`: in a thread of its own, which can be ended when it hangs, crashes alone, and uses another core. The same module runs in both; see docs/isolation.md.",
  default: "inline",
  example: "worker",
});

const instances = number({
  description:
    "Only with `isolation: worker`: how many threads run the service, 1 when absent. Each has its own copy of the module and runs all of its hooks; requests go to the least busy one. A thread sees its number as `ctx.env.SUPERVISOR_INSTANCE`.",
  min: 1,
  max: 1_024,
  example: "4",
});

const memory = size({
  description:
    "Only with `isolation: worker`: the heap that one thread may use; above it the thread is ended and that is a failure of the service. It is looked at ten times a second, so a thread may use more for a moment. Deno itself holds a limit a quarter above. On Bun it is best effort for a thread that leaks without ever pausing: that one is found by the growth of the whole process, since nothing else can be seen.",
  example: "256MiB",
});

const replace = oneOf(["start-first", "stop-first"], {
  description:
    "How a running service gives way to its next generation, after `restart` or a change of this file: `start-first` brings the new one up beside the old one and then switches, `stop-first` is for services that hold something only one can have, like a port of their own.",
  default: "start-first",
  example: "stop-first",
});

const dependencyConditions = ["started", "ready", "completed"] as const;

/** Every key of a service. */
export const serviceFields = {
  module: path({
    description: "The file that exports the service, relative to the folder of this file.",
    required: true,
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

const listen = union<Address | false>(
  {
    scalars: [
      address({ description: "An address.", example: "127.0.0.1:6060" }),
      justFalse({ description: "Nothing listens.", example: "false" }),
    ],
  },
  (value) => value,
  {
    description: "`host:port`, `unix:PATH` (a socket with mode 0600), or `false` for none.",
    default: "127.0.0.1:6060",
    example: "unix:./run/admin.sock",
  },
);

const adminBlock = object(
  {
    listen,
    token: text({
      description:
        "Whoever uses `/api/v1` has to send it, as `authorization: Bearer TOKEN`; health needs none. Empty is none: then the API answers on addresses of this machine only.",
      default: "",
      example: "${ADMIN_TOKEN:-}",
    }),
    read_only: bool({
      description: "`true` refuses whatever would change something here; the control socket still takes it.",
      default: "false",
      example: "true",
    }),
  },
  { description: "", example: "{ listen: 127.0.0.1:6060 }", default: "{}" },
);

interface AdminSettings {
  readonly listen: Address | false;
  readonly token: string;
  readonly read_only: boolean;
}

const admin = union<AdminSettings | false>(
  {
    scalars: [justFalse({ description: "No admin HTTP.", example: "false" })],
    map: adminBlock,
  },
  (value) => value,
  {
    description:
      "The supervisor's own HTTP: `/healthz`, `/livez`, `/readyz`, and the API below `/api/v1`. Its thread starts first, listens when the services are ready or 100 ms later at the latest, stops last, and answers while a service blocks the main thread. `false` is none.",
    default: "{}",
    example: "{ listen: 127.0.0.1:6060 }",
  },
);

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
  log: object(
    {
      level: oneOf(["debug", "info", "warn", "error"], {
        description: "Records below this level are not written.",
        default: "info",
        example: "debug",
      }),
      format: oneOf(["auto", "pretty", "json"], {
        description: "`auto` is pretty on a terminal, and JSON lines otherwise.",
        default: "auto",
        example: "json",
      }),
    },
    { description: "What is logged, and how.", default: "{}", example: "{ level: debug }" },
  ),
  shutdown: object(
    {
      timeout: duration({
        description:
          "The whole budget from the signal to the exit. Every other deadline is taken from it; what does not fit is an error.",
        default: "30s",
        min: 1,
        example: "20s",
      }),
      delay: duration({
        description:
          "Not ready but still serving for this long before the first service stops, so that load balancers can look elsewhere.",
        default: "0s",
        example: "5s",
      }),
      order: oneOf(["reverse", "graph"], {
        description:
          "`reverse` stops one service after the other, last started first; `graph` stops at the same time whatever `depends_on` allows.",
        default: "reverse",
        example: "graph",
      }),
      streams_timeout: duration({
        description:
          "How long server-sent events and WebSockets may take to end once their service drains; then they are cut.",
        default: "1s",
        example: "3s",
      }),
    },
    { description: "How everything stops.", default: "{}", example: "{ timeout: 20s, delay: 5s }" },
  ),
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
