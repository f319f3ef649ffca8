/**
 * The plan: services.yaml, validated, with every default and variable filled in, frozen. Times are
 * milliseconds, sizes are bytes, paths are absolute. `config/` makes it, everybody else reads it.
 */
export interface Plan {
  readonly name: string;
  /** The services.yaml that it came from. */
  readonly file: string;
  readonly admin: AdminPlan | false;
  readonly log: LogPlan;
  readonly shutdown: ShutdownPlan;
  /** What follows on an error that nobody caught and no service can be blamed for. Absent: it is logged. */
  readonly onUnattributed?: "stop";
  /** Enabled and selected services, in the order of the file. */
  readonly services: readonly ServicePlan[];
  /** In the order of the file; the first one is what services get that name none. Absent: nothing needs one. */
  readonly brokers?: readonly BrokerPlan[];
  /** Values that must never be printed: they came from variables that name a secret. */
  readonly secrets: readonly string[];
}

export interface AdminPlan {
  readonly listen: Address;
  /** Whoever uses the API has to bring it; a secret. Never empty. */
  readonly token?: string;
  /** The API changes nothing here; the control socket still does. */
  readonly readOnly?: true;
}

export interface LogPlan {
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto` is pretty on a terminal, native entries in systemd's journal, and JSON lines otherwise. */
  readonly format: "auto" | "pretty" | "json";
}

export interface ShutdownPlan {
  /** The whole budget from the signal to the exit. */
  readonly timeout: number;
  /** Not ready, but still serving, for this long before the first service stops. */
  readonly delay: number;
  readonly order: "reverse" | "graph";
  /** How long SSE streams and WebSockets may take to end once their service drains. */
  readonly streamsTimeout: number;
}

export interface ServicePlan {
  readonly name: string;
  /** Empty for a service that is nothing but a schedule with `enqueue`. */
  readonly module: string;
  /** The export of the module that is the service. */
  readonly export: string;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
  readonly critical: boolean;
  /** The `config:` block; the module's own schema has not seen it yet. */
  readonly config: unknown;
  readonly env: Readonly<Record<string, string>>;
  readonly startTimeout: number;
  /** Only when services.yaml says so; otherwise the stop ladder gives the service a share of the budget. */
  readonly stopTimeout?: number;
  readonly restart: RestartPlan;
  readonly health: HealthPlan;
  readonly replace: ReplaceOrder;
  readonly http?: HttpPlan;
  readonly consume?: ConsumePlan;
  readonly schedule?: SchedulePlan;
  /** Present when the service runs in threads of its own; absent when it runs inline. */
  readonly worker?: WorkerPlan;
}

export interface BrokerPlan {
  readonly name: string;
  readonly scheme: "memory" | "sqlite" | "redis";
  /** As written, but with the path of a file made absolute. May hold a password: never log it. */
  readonly url: string;
}

/** What a service takes from a broker, and how. */
export interface ConsumePlan {
  readonly broker: string;
  readonly queues: readonly { readonly queue: string; readonly weight: number }[];
  readonly strict: boolean;
  /** How many handlers run at once. */
  readonly concurrency: number;
  /** What orders messages: `data.PATH` in the JSON payload, or `header.NAME`. A key given to enqueue goes before it. */
  readonly key?: string;
  /** How many messages may be here at once, those being handled included. */
  readonly buffer: number;
  /** Of one attempt, where the task has none of its own; 0: none. */
  readonly timeout: number;
  /** How long a message stays ours when this process dies. */
  readonly lease: number;
  readonly retry: {
    /** The most attempts at one message, whatever more it allows itself; absent: what it says. */
    readonly attempts?: number;
    readonly backoff: { readonly min: number; readonly max: number; readonly factor: number };
  };
  /** With it the service's `consumeBatch` is called. */
  readonly batch?: { readonly size: number; readonly wait: number };
  /** `rate` messages each `per` milliseconds are begun at most. */
  readonly limit?: RatePlan;
  readonly limitPerKey?: RatePlan;
  readonly groups?: { readonly grace: number; readonly maxDelay: number; readonly maxSize: number };
}

export interface RatePlan {
  readonly rate: number;
  readonly per: number;
}

/** When a service's `scheduled` runs, or a task is enqueued in its place. */
export interface SchedulePlan {
  /** Five or six fields, or `@every 5m`, `@daily`, …; validated. */
  readonly cron: string;
  readonly timezone: string;
  /** What happens when the run before is still going. */
  readonly overlap: "skip" | "queue" | "allow";
  /** What happens to times that passed while nothing ran. */
  readonly catchUp: "skip" | "once" | "all";
  /** A run begins a random part of this later. */
  readonly jitter: number;
  /** Of one run; 0: none. */
  readonly timeout: number;
  /** Where it is remembered what ran. */
  readonly broker: string;
  /** A task to enqueue instead of calling the service. */
  readonly enqueue?: {
    readonly type: string;
    readonly payload: unknown;
    readonly queue: string;
    readonly maxRetry?: number;
    readonly timeout?: number;
    readonly retention?: number;
    readonly unique?: number;
  };
}

export interface WorkerPlan {
  /** How many threads, at least one. */
  readonly instances: number;
  /** Bytes of heap that one thread may use. */
  readonly memory?: number;
}

/** `started`: its start was called. `ready`: it is ready. `completed`: its run resolved. */
export type DependencyCondition = "started" | "ready" | "completed";

/** What comes first when a generation replaces another: its start, or the other's stop. */
export type ReplaceOrder = "start-first" | "stop-first";

export interface RestartPlan {
  readonly policy: "on-failure" | "always" | "never";
  /** More than `limit` failures within `within` and the service is given up. */
  readonly limit: number;
  readonly within: number;
  readonly backoff: { readonly min: number; readonly max: number; readonly factor: number };
  /** Ready for this long and its failures are forgotten. */
  readonly stable: number;
}

export interface HealthPlan {
  readonly interval: number;
  readonly timeout: number;
  /** This many failed probes in a row are a failure of the service. */
  readonly failures: number;
}

export interface HttpPlan {
  readonly address: Address;
  /** Requests whose path is this prefix, or lies below it, are the service's. `/` is all. */
  readonly path: string;
  readonly hostname?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: {
    /** Bytes of a request body; above it the answer is 413. */
    readonly body: number;
    /** From the request's arrival to the response's headers; above it the answer is 503. 0 is no limit. */
    readonly requestTimeout: number;
    /** A connection without traffic is closed after this. 0 is never. */
    readonly idleTimeout: number;
  };
}

export type Address =
  | { readonly tag: "tcp"; readonly host: string; readonly port: number }
  | { readonly tag: "unix"; readonly path: string }
  | PassedAddress;

/** A listening socket that systemd has opened and passes by name. */
export interface PassedAddress {
  readonly tag: "systemd";
  /** `FileDescriptorName=` of the socket unit. */
  readonly name: string;
  /** Where it must listen; absent: wherever the socket unit says. */
  readonly at?: Exclude<Address, { tag: "systemd" }>;
}

/** The descriptors of the sockets that systemd has passed, by name. One name may have several. */
export type PassedSockets = Readonly<Record<string, readonly number[]>>;

/** @example formatAddress({ tag: "tcp", host: "::1", port: 80 }) // "[::1]:80" */
export function formatAddress(address: Address): string {
  if (address.tag === "unix") return `unix:${address.path}`;
  if (address.tag === "systemd") return `systemd:${address.name}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Whether only this machine can connect. */
export function isLocal(address: Address): boolean {
  if (address.tag === "systemd") return address.at !== undefined && isLocal(address.at);
  return address.tag === "unix" || isLoopback(address.host);
}

/** @example isLoopback("127.0.0.1") // true */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
