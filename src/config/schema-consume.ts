import { bool, duration, list, map, number, object, string, union } from "./fields.ts";

const queueName = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$/,
  rule: "the name of a queue: up to 100 letters, digits, :, ., _ and -, beginning with a letter or a digit",
} as const;

/** The name of one queue, in whatever place. */
export function queue<O extends { readonly description: string; readonly default?: string }>(options: O) {
  return string({ ...queueName, example: "order.paid", ...options });
}

/** Whether that can be the name of a queue. */
export function isQueueName(name: string): boolean {
  return queueName.pattern.test(name);
}

const queues = union<Readonly<Record<string, number>> | undefined>(
  {
    scalars: [],
    list: list(string({ ...queueName, description: "A queue.", required: true, example: "order.paid" }), {
      description: "Queues, all of the same weight.",
      example: "[order.paid, order.closed]",
    }),
    map: map(
      number({
        description: "Its weight.",
        required: true,
        min: 1,
        max: 1_000,
        example: "6",
      }),
      {
        description: "Queues and their weights.",
        example: "{ critical: 6, default: 3, low: 1 }",
        keys: queueName.pattern,
        keyRule: queueName.rule,
      },
    ),
  },
  (value, shape) => (shape === "list" ? equals(value as readonly string[]) : value),
  {
    description:
      "Several queues instead of `queue`: a list, or a mapping of names to weights. With `{ critical: 6, low: 1 }` six of seven messages come from the first while both have some.",
    example: "{ critical: 6, default: 3, low: 1 }",
  },
);

const retry = object(
  {
    attempts: number({
      description:
        "The most attempts at one message; the last one that fails archives it. `1` is no second attempt. A task may allow itself fewer (its `maxRetry`), not more. Absent: what each task says.",
      min: 1,
      max: 1_000_000,
      example: "5",
    }),
    backoff: object(
      {
        min: duration({
          description: "The longest wait after the first failure.",
          default: "1s",
          example: "5s",
        }),
        max: duration({ description: "No wait is longer than this.", default: "10m", example: "1h" }),
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
          "How long a message waits after a failure: a random time between half of `min` and this bound.",
        default: "{}",
        example: "{ min: 5s, max: 1h }",
      },
    ),
  },
  {
    description: "What becomes of messages whose handler throws.",
    default: "{}",
    example: "{ attempts: 5 }",
  },
);

const batch = object(
  {
    size: number({
      description: "The most messages of one call.",
      required: true,
      min: 1,
      max: 100_000,
      example: "100",
    }),
    wait: duration({
      description: "How long to wait for more of them once there is one.",
      default: "100ms",
      example: "1s",
    }),
  },
  {
    description: "Calls the service's `consumeBatch` with many messages at once.",
    example: "{ size: 100, wait: 1s }",
  },
);

const rate = {
  pattern: /^[1-9]\d{0,8}\/(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/,
  rule: "a number of messages per time, such as 100/1s",
} as const;

const limit = union<LimitSettings | undefined>(
  {
    scalars: [
      string({ ...rate, description: "Messages per time, for all keys together.", example: "100/1s" }),
    ],
    map: object(
      {
        rate: string({ ...rate, description: "For all keys together.", example: "100/1s" }),
        per_key: string({ ...rate, description: "For each key by itself.", example: "10/1s" }),
      },
      { description: "Two limits.", example: "{ rate: 100/1s, per_key: 10/1s }" },
    ),
  },
  (value, shape) => (shape === "scalar" ? { rate: value } : value),
  {
    description:
      "At most so many messages are begun in so much time; the others wait. Text is short for `{ rate: TEXT }`.",
    example: "100/1s",
  },
);

interface LimitSettings {
  readonly rate: string | undefined;
  readonly per_key: string | undefined;
}

const group = object(
  {
    grace: duration({
      description: "The group is complete when nothing came for this long.",
      default: "1m",
      min: 1,
      example: "30s",
    }),
    max_delay: duration({
      description: "The group is complete when its first task is this old. `0s` is no limit.",
      default: "10m",
      example: "5m",
    }),
    max_size: number({
      description: "The group is complete when it has so many tasks. `0` is no limit.",
      default: "0",
      min: 0,
      max: 1_000_000,
      example: "100",
    }),
  },
  {
    description:
      "Tasks that were enqueued with a `group` wait until it is complete; the service's `aggregate` makes one task of them.",
    example: "{ grace: 30s, max_size: 100 }",
  },
);

/** What a service takes from a broker. */
export const consume = object(
  {
    broker: string({
      description: "The broker, by its name in `brokers`. Absent: the first one.",
      rule: "a name",
      example: "main",
    }),
    queue: queue({
      description: "The queue whose messages the service handles. Needed unless `queues` is given.",
    }),
    queues,
    strict: bool({
      description: "With `queues`: a queue is only looked at while all with a higher weight are empty.",
      default: "false",
      example: "true",
    }),
    concurrency: number({
      description: "How many messages are handled at once; of one key always one.",
      default: "10",
      min: 1,
      max: 1_000_000,
      example: "50",
    }),
    key: string({
      description:
        "What keeps messages in order: those with the same value here are handled one after the other, in the order in which they were enqueued, while others go on. A key that the task was enqueued with goes before it.",
      pattern: /^(?:data(?:\.[^\s.[\]]+|\[\d+\])+|header\.\S+)$/,
      rule: "data.PATH in the JSON payload, or header.NAME",
      example: "data.order_id",
    }),
    buffer: number({
      description: "How many messages may be here at once, those being handled included.",
      default: "1024",
      min: 1,
      max: 1_000_000,
      example: "100",
    }),
    timeout: duration({
      description:
        "An attempt that takes longer has failed, where the task itself says nothing. `0s` is none.",
      default: "0s",
      example: "30s",
    }),
    lease: duration({
      description:
        "How long a message stays ours when the process dies: then somebody else gets it. It is renewed while a handler works, however long that takes.",
      default: "30s",
      min: 1_000,
      example: "1m",
    }),
    retry,
    batch,
    limit,
    group,
  },
  {
    description:
      "Takes messages from queues of a broker, and hands them to the module's `consume`, `tasks` or `consumeBatch`.",
    example: "{ queue: order.paid, concurrency: 10 }",
  },
);

function equals(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name) => [name, 1]));
}
