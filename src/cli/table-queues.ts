import { taskStates } from "../core/task.ts";
import type { CommandSpec } from "./command-spec.ts";
import { asJson, env, instance } from "./command-spec.ts";

/** What the first word of a command of two words is about. */
export const commandGroups = {
  queue: "Look at queues; pause, resume and empty them.",
  task: "Look at tasks; enqueue, retry, archive, delete and cancel them.",
  cron: "Look at schedules; run, pause and resume them.",
} as const;

export type CommandGroup = keyof typeof commandGroups;

/** Which brokers: those of a running supervisor, or of a file when none runs. */
const where = {
  file: {
    type: "string",
    short: "f",
    value: "FILE",
    summary: "The services.yaml whose brokers are meant, when no supervisor of it runs.",
  },
  env,
  broker: { type: "string", value: "NAME", summary: "A broker of the file (default: the first)." },
  ...asJson,
  ...instance,
} as const;

const filters = {
  queue: { type: "string", short: "q", value: "NAME", summary: "Only tasks of this queue (default: all)." },
  state: {
    type: "string",
    value: "STATE",
    choices: taskStates,
    summary: `Only in this state: ${taskStates.join(", ")}.`,
  },
  type: { type: "string", value: "TYPE", summary: "Only of this type; 'mail:*' is all that begin so." },
  since: { type: "string", value: "TIME", summary: "Only enqueued, failed or done since: 1h, or a date." },
  error: { type: "string", value: "~TEXT", summary: "Only with this text in their last error." },
} as const;

const bulk = { positionals: "[ID…]", most: Infinity } as const;
const all = { type: "boolean", summary: "All tasks, when nothing else says which." } as const;
const yes = { type: "boolean", short: "y", summary: "Do it; without it a filter is only counted." } as const;
const gentle = { ...bulk, options: { ...filters, all, ...where } } as const;
const harsh = { ...bulk, options: { ...filters, all, yes, ...where } } as const;
const oneQueue = { positionals: "NAME", least: 1, most: 1 } as const;
const oneSchedule = { positionals: "SERVICE", least: 1, most: 1, options: where } as const;
const count = { type: "string", short: "n", value: "COUNT" } as const;

/** The commands about queues, tasks and schedules. */
export const queueCommands = {
  "queue ls": {
    summary: "Print all queues: what waits, runs, failed, and for how long.",
    positionals: "",
    most: 0,
    options: where,
    example: "supervisor queue ls",
  },
  "queue inspect": {
    summary: "Print all about one queue, and who consumes it.",
    ...oneQueue,
    options: where,
    example: "supervisor queue inspect mail",
  },
  "queue history": {
    summary: "Print what a queue has done on the last days, in UTC.",
    ...oneQueue,
    options: { days: { ...count, summary: "How many days (default 7, at most 90)." }, ...where },
    example: "supervisor queue history mail -n 30",
  },
  "queue pause": {
    summary: "Hand nothing of a queue out any more; tasks may still be enqueued.",
    ...oneQueue,
    options: where,
    example: "supervisor queue pause mail",
  },
  "queue resume": {
    summary: "End the pause of a queue.",
    ...oneQueue,
    options: where,
    example: "supervisor queue resume mail",
  },
  "queue drain": {
    summary: "Delete all tasks of a queue that wait: pending, scheduled, retry.",
    ...oneQueue,
    options: { yes: { ...yes, summary: "Do it; without it they are only counted." }, ...where },
    example: "supervisor queue drain mail --yes",
  },
  "task ls": {
    summary: "Print tasks, those that run next first.",
    positionals: "[ID…]",
    most: Infinity,
    options: {
      ...filters,
      limit: { ...count, summary: "At most so many (default 50)." },
      after: { type: "string", value: "PLACE", summary: "Go on there: the end of the last page says where." },
      ...where,
    },
    example: "supervisor task ls --state archived --since 24h",
  },
  "task show": {
    summary: "Print all about one task.",
    positionals: "ID",
    least: 1,
    most: 1,
    options: { queue: { ...filters.queue, summary: "The queue that it is in (default: any)." }, ...where },
    example: "supervisor task show order-17",
  },
  "task enqueue": {
    summary: "Enqueue a task; the payload is JSON, @FILE, or - for standard input.",
    positionals: "TYPE [JSON|@FILE|-]",
    least: 1,
    most: 2,
    options: {
      queue: { ...filters.queue, summary: 'The queue (default "default").' },
      delay: { type: "string", value: "DURATION", summary: "Not before this long from now." },
      at: {
        type: "string",
        value: "TIME",
        summary: "Not before this time: a date, or milliseconds since 1970.",
      },
      key: {
        type: "string",
        value: "KEY",
        summary: "Tasks with the same key are handled one after the other.",
      },
      id: { type: "string", value: "ID", summary: "Its id; refused when there is one with it." },
      unique: {
        type: "string",
        value: "DURATION",
        summary: "No second one with the same type and payload for so long.",
      },
      "max-retry": {
        type: "string",
        value: "COUNT",
        summary: "Archived after so many failed retries (default 25).",
      },
      timeout: {
        type: "string",
        value: "DURATION",
        summary: "Of one attempt (default: the consumer's).",
      },
      deadline: { type: "string", value: "TIME", summary: "After it no attempt begins or goes on." },
      retention: {
        type: "string",
        value: "DURATION",
        summary: "How long it is kept once it is done (default 0).",
      },
      group: { type: "string", value: "NAME", summary: "It waits in this group until it is aggregated." },
      header: {
        type: "string",
        short: "H",
        value: "'NAME: VALUE'",
        multiple: true,
        summary: "A header; may be repeated.",
      },
      ...where,
    },
    example: `supervisor task enqueue mail:welcome '{"to":"ann@example.org"}' --delay 5m`,
  },
  "task run": {
    summary: "Let tasks run at once that wait for their time, or in a group.",
    ...gentle,
    example: "supervisor task run order-17",
  },
  "task retry": {
    summary: "Run tasks again, archived and completed ones too, with all attempts anew.",
    ...gentle,
    example: 'supervisor task retry --state archived --error "~connection refused"',
  },
  "task archive": {
    summary: "Put tasks that wait into the archive, which keeps the newest 10,000.",
    ...harsh,
    example: "supervisor task archive --type 'report:*' --yes",
  },
  "task delete": {
    summary: "Delete tasks, but none that is worked on.",
    ...harsh,
    example: "supervisor task delete --queue mail --state archived --yes",
  },
  "task cancel": {
    summary: "Ask whoever works on tasks to stop.",
    ...harsh,
    example: "supervisor task cancel order-17",
  },
  "cron ls": {
    summary: "Print all schedules: when they ran last, and run next.",
    positionals: "",
    most: 0,
    options: where,
    example: "supervisor cron ls",
  },
  "cron history": {
    summary: "Print the last runs of a schedule.",
    ...oneSchedule,
    options: { lines: { ...count, summary: "How many runs (default 20)." }, ...where },
    example: "supervisor cron history report -n 5",
  },
  "cron next": {
    summary: "Print when a schedule runs next.",
    ...oneSchedule,
    options: { lines: { ...count, summary: "How many times (default 5)." }, ...where },
    example: "supervisor cron next report -n 10",
  },
  "cron run": {
    summary: "Run a schedule now; its supervisor has to run.",
    ...oneSchedule,
    example: "supervisor cron run report",
  },
  "cron pause": {
    summary: "Let the times of a schedule pass, on all replicas, until it is resumed.",
    ...oneSchedule,
    example: "supervisor cron pause report",
  },
  "cron resume": {
    summary: "End the pause of a schedule.",
    ...oneSchedule,
    example: "supervisor cron resume report",
  },
} as const satisfies Readonly<Record<`${CommandGroup} ${string}`, CommandSpec>>;
