import type { StepAction } from "../core/command.ts";
import type { ServiceState } from "../core/snapshot.ts";

/** The part of JSON Schema that the description of the API uses. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

const text: Schema = { type: "string" };
const whole: Schema = { type: "integer" };
const amount: Schema = { type: "number" };
const flag: Schema = { type: "boolean" };
const time: Schema = { type: "integer", description: "Milliseconds since 1970." };

// Records, so that the compiler asks for the states and actions that are missing here.
const states: Record<ServiceState, true> = {
  pending: true,
  loading: true,
  starting: true,
  ready: true,
  unhealthy: true,
  stopping: true,
  stopped: true,
  backoff: true,
  quarantined: true,
  completed: true,
  failed: true,
};
const actions: Record<StepAction, true> = {
  start: true,
  stop: true,
  restart: true,
  replace: true,
  pause: true,
  resume: true,
  reconfigure: true,
  add: true,
  remove: true,
  unchanged: true,
};

export const errorSchema: Schema = object(
  { code: text, message: text, hint: { ...text, description: "What to do now." } },
  ["code", "message", "hint"],
);

export const serviceSchema: Schema = object(
  {
    name: text,
    state: { type: "string", enum: Object.keys(states) },
    generation: { ...whole, description: "Grows with every restart; 0 before the first start." },
    critical: { ...flag, description: "Whether giving it up ends the process." },
    since: { ...time, description: "When it entered its state, in milliseconds since 1970." },
    reason: { ...text, description: "Why it is in this state, when there is something to tell." },
    failures: { ...whole, description: "Since it was last stable." },
    startedAs: { ...whole, description: "Its place in the order of the first starts." },
    retryAt: { ...time, description: "The next try, in milliseconds since 1970." },
    paused: { ...flag, description: "It takes nothing new." },
    replacing: { ...whole, description: "The generation that is coming up beside it." },
    stoppedBy: { ...text, description: "`operator`: it stays stopped until it is started." },
    note: text,
    urls: { type: "array", items: text },
    longestStretch: object(
      {
        ms: { ...amount, description: "At least so long it has kept the event loop from everybody." },
        certain: {
          ...flag,
          description: "Its code was seen at it; otherwise it was the last to run before.",
        },
        at: time,
      },
      ["ms", "certain", "at"],
    ),
    consumer: {
      type: "object",
      description: "What its consumer has done; numbers, and times in milliseconds.",
    },
    schedule: { type: "object", description: "When its schedule runs next, and what became of its times." },
  },
  ["name", "state", "generation", "critical", "since", "failures", "urls"],
);

export const statusSchema: Schema = object(
  {
    apiVersion: {
      type: "string",
      enum: ["v1"],
      description: "The version of this JSON: members may be added to it, none changes or goes.",
    },
    name: text,
    pid: whole,
    runtime: text,
    file: { ...text, description: "The services.yaml that it runs." },
    startedAt: time,
    uptimeMs: whole,
    rssBytes: { ...whole, description: "Memory of the whole process." },
    state: {
      type: "string",
      enum: ["starting", "running", "stopping", "frozen"],
      description: "`frozen`: a service blocks the event loop; the rest is from before.",
    },
    stopping: object({ cause: { type: "object" }, since: time }, ["cause", "since"]),
    frozen: object({ message: text, forMs: amount, service: text }, ["message", "forMs"]),
    loop: object(
      {
        delayMs: {
          ...object({ p50: amount, p99: amount, max: amount }, ["p50", "p99", "max"]),
          description: "How late the event loop was over the last minute.",
        },
      },
      ["delayMs"],
    ),
    admin: { ...text, description: "Where the supervisor's own HTTP listens." },
    reload: {
      ...object(
        {
          at: time,
          outcome: { type: "string", enum: ["done", "failed"] },
          problems: {
            type: "array",
            items: errorSchema,
            description: "Why nothing was changed; absent when only single steps failed.",
          },
        },
        ["at", "outcome"],
      ),
      description: "How the last reload of services.yaml went; absent before the first.",
    },
    services: { type: "array", items: serviceSchema },
  },
  ["apiVersion", "name", "pid", "runtime", "file", "startedAt", "uptimeMs", "rssBytes", "state", "services"],
);

const header: Schema = { type: "array", items: text, minItems: 2, maxItems: 2 };

export const commandResultSchema: Schema = object(
  {
    outcome: { type: "string", enum: ["done", "failed", "accepted"] },
    steps: {
      type: "array",
      items: object(
        {
          subject: { ...text, description: "A service, or a section of services.yaml." },
          action: { type: "string", enum: Object.keys(actions) },
          outcome: { type: "string", enum: ["done", "failed", "planned"] },
          generation: { ...whole, description: "The one that serves now." },
          durationMs: amount,
          note: text,
          error: errorSchema,
        },
        ["subject", "action", "outcome", "durationMs"],
      ),
    },
    problems: { type: "array", items: errorSchema, description: "Why nothing was done at all." },
    response: object({ status: whole, headers: { type: "array", items: header }, body: text }, [
      "status",
      "headers",
      "body",
    ]),
  },
  ["outcome", "steps"],
);

/** What is done to services that are named. */
export const serviceActions = ["start", "stop", "restart", "pause", "resume"] as const;

export const actSchema: Schema = object(
  {
    action: { type: "string", enum: serviceActions },
    services: { type: "array", items: text, description: "Names or globs, at least one." },
  },
  ["action", "services"],
);

export const injectSchema: Schema = object(
  {
    service: text,
    method: text,
    path: { ...text, description: "With its query; begins with a slash." },
    headers: { type: "array", items: header },
    body: text,
  },
  ["service", "method", "path"],
);

function object(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: "object", properties, required };
}
