import { any, duration, number, object, oneOf, string, union } from "./fields.ts";
import { queue } from "./schema-consume.ts";

const cron = {
  rule: 'five or six fields of a cron expression, or "@every 5m", "@hourly", "@daily" and such',
  example: '"0 3 * * *"',
} as const;

const enqueueBlock = object(
  {
    type: string({
      description: "The type of the task.",
      rule: "text",
      required: true,
      example: "report:daily",
    }),
    payload: any({ description: "Its payload, as JSON.", example: "{ kind: full }" }),
    queue: queue({ description: "The queue.", default: "default" }),
    max_retry: number({
      description: "Failed attempts after which it is archived. Absent: 25.",
      min: 0,
      max: 1_000_000,
      example: "3",
    }),
    timeout: duration({ description: "Of one attempt. Absent: that of the consumer.", example: "30s" }),
    retention: duration({
      description: "How long it is kept, with its result, once it is done. Absent: not at all.",
      example: "24h",
    }),
    unique: duration({
      description: "No second task of the same type and payload for this long, or until this one is done.",
      min: 1_000,
      example: "1h",
    }),
  },
  { description: "A task.", example: "{ type: report:daily }" },
);

const enqueue = union<EnqueueSettings | undefined>(
  {
    scalars: [string({ description: "The type of the task.", rule: "text", example: "report:daily" })],
    map: enqueueBlock,
  },
  (value, shape) => (shape === "scalar" ? { type: value } : value),
  {
    description:
      "Enqueues this task at each time instead of calling `scheduled`; once, however many replicas there are. The service then needs no `module`. Text is short for `{ type: TEXT }`.",
    example: "{ type: report:daily, queue: reports }",
  },
);

export interface EnqueueSettings {
  readonly type: string;
  readonly payload: unknown;
  readonly queue: string;
  readonly max_retry: number | undefined;
  readonly timeout: number | undefined;
  readonly retention: number | undefined;
  readonly unique: number | undefined;
}

const scheduleBlock = object(
  {
    cron: string({ ...cron, description: "When it runs.", required: true }),
    timezone: string({
      description: "The time zone of `cron`, by its IANA name.",
      rule: "a time zone such as Europe/Berlin",
      default: "UTC",
      example: "Europe/Berlin",
    }),
    overlap: oneOf(["skip", "queue", "allow"], {
      description:
        "What happens when the run before is still going: `skip` leaves this one out, `queue` begins it afterwards, `allow` runs both.",
      default: "skip",
      example: "queue",
    }),
    catch_up: oneOf(["skip", "once", "all"], {
      description:
        "What happens to times that passed while nothing ran: none, one run for all of them, or one for each.",
      default: "skip",
      example: "once",
    }),
    jitter: duration({
      description: "A run begins a random part of this later.",
      default: "0s",
      example: "30s",
    }),
    timeout: duration({
      description: "A run that takes longer has failed. `0s` is none.",
      default: "0s",
      example: "5m",
    }),
    broker: string({
      description:
        "The broker that remembers what ran, so that each time runs once across restarts and replicas; `enqueue` goes there too. Absent: the first one.",
      rule: "a name",
      example: "main",
    }),
    enqueue,
  },
  { description: "A schedule.", example: '{ cron: "0 3 * * *", timezone: Europe/Berlin }' },
);

interface ScheduleSettings {
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: "skip" | "queue" | "allow";
  readonly catch_up: "skip" | "once" | "all";
  readonly jitter: number;
  readonly timeout: number;
  readonly broker: string | undefined;
  readonly enqueue: EnqueueSettings | undefined;
}

/** When a service's `scheduled` runs. */
export const schedule = union<ScheduleSettings | undefined>(
  {
    scalars: [string({ ...cron, description: "When the service's `scheduled` runs." })],
    map: scheduleBlock,
  },
  (value, shape) => (shape === "scalar" ? { cron: value } : value),
  {
    description:
      "Calls the module's `scheduled` at these times, or enqueues a task. Text is short for `{ cron: TEXT }`.",
    example: '{ cron: "0 3 * * *", timezone: Europe/Berlin }',
  },
);
