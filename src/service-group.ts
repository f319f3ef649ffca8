import { basename } from "node:path";
import type { GroupOptions, ServiceOptions } from "./config/made-options.ts";
import { readGroupOptions, readServiceOptions } from "./config/made-options.ts";
import { assertName, assertTogether } from "./config/made-plan.ts";
import { serviceNames } from "./config/schema.ts";
import {
  defaultHealth,
  defaultHttpLimits,
  defaultRestart,
  defaultShutdown,
  defaultStartTimeout,
} from "./core/defaults.ts";
import { errorCodes } from "./core/errors.ts";
import { ExitCode, exitCodeOf } from "./core/exit.ts";
import type { DependencyCondition, HttpPlan, LogPlan, Plan, RestartPlan, ServicePlan } from "./core/plan.ts";
import { problemsOf } from "./core/problem.ts";
import { renderProblems } from "./core/render-problems.ts";
import type { StopReport } from "./core/report.ts";
import type { Group } from "./group/group.ts";
import { fixedDefinitions } from "./modules/definitions.ts";
import type { Definition } from "./modules/shape.ts";
import { creatorOf } from "./modules/shape.ts";
import { endSoon } from "./process.ts";
import { detectRuntime } from "./runtime/detect.ts";
import type { Context, Service } from "./service/contract.ts";
import { supervise } from "./supervise.ts";

export interface GroupSettings {
  /** Names the program in logs and health. @default the name of the script */
  readonly name?: string;
  /** Where health is served: host and port. @default false */
  readonly admin?: { readonly host?: string; readonly port: number } | false;
  readonly log?: Partial<LogPlan>;
  readonly shutdown?: {
    /** The whole budget of the stop, in milliseconds or like "30s". @default "30s" */
    readonly timeout?: number | string;
    /** Not ready, but still serving, for this long before the first service stops. @default "0s" */
    readonly delay?: number | string;
    /** `reverse`: strictly one by one. `graph`: in parallel where dependencies allow. @default "reverse" */
    readonly order?: "reverse" | "graph";
  };
  /** Whether SIGTERM, SIGINT, SIGHUP and SIGQUIT are the group's. @default true */
  readonly signals?: boolean;
}

export interface AddOptions {
  /** Letters, digits, `.`, `_` and `-`. @default the service's own `name`, the name of its class, or service-N */
  readonly name?: string;
  readonly dependsOn?: string | readonly string[] | Readonly<Record<string, DependencyCondition>>;
  /** Whether giving it up ends the group. @default true */
  readonly critical?: boolean;
  /** Handed over as `ctx.config`. */
  readonly config?: unknown;
  /** Milliseconds or like "30s". @default "30s" */
  readonly startTimeout?: number | string;
  /** Milliseconds or like "10s". @default a share of the budget */
  readonly stopTimeout?: number | string;
  /** A word is short for `{ policy: WORD }`. Durations are milliseconds. */
  readonly restart?: RestartPlan["policy"] | ServiceOptions["restart"];
  /** Serves the service's `fetch` here. */
  readonly http?: { readonly port: number; readonly host?: string; readonly path?: string };
}

type Addable = Service | (new (ctx: Context) => Service) | ((ctx: Context) => Service | Promise<Service>);

/**
 * Services of one program, supervised without a services.yaml: started concurrently, stopped in reverse
 * order on SIGTERM and SIGINT, restarted when they fail.
 *
 * ```ts
 * const group = new ServiceGroup();
 * group.add(morning);
 * group.add(evening);
 * await group.start();
 * ```
 */
export class ServiceGroup {
  readonly #settings: GroupOptions;
  readonly #added: { plan: ServicePlan; create: Definition["create"] }[] = [];
  #running: Promise<StopReport> | undefined;
  #group: Group | undefined;
  #stopAsked = false;

  /** Throws a ProblemsError when a setting is none, or has no such value. */
  constructor(settings: GroupSettings = {}) {
    this.#settings = readGroupOptions(settings);
  }

  /**
   * Adds a service before the start. Returns the group, so that calls chain. Throws when it is no service, or an option
   * is wrong.
   */
  add(service: Addable, given: AddOptions = {}): this {
    if (this.#running) throw new TypeError("Cannot add a service: the group has started");
    const name = given.name ?? nameOf(service) ?? `service-${this.#added.length + 1}`;
    if (this.#added.some(({ plan }) => plan.name === name)) {
      throw new TypeError(
        `Cannot add service "${name}": the group has one of that name; pass another { name }`,
      );
    }
    assertName(name);
    const create = creatorOf(service, `"${name}"`);
    this.#added.push({ plan: servicePlan(name, readServiceOptions(given, name)), create });
    return this;
  }

  /**
   * Starts every service and resolves when all have ended, with how they ended; sets `process.exitCode`
   * (0, 70 or 75) unless that says already that something has failed. An address that is taken is told on stderr and fails the group before anything starts; services that can
   * never run together (a circle, one address for two, deadlines beyond the budget) are a mistake, and make it reject. When a signal of the group's had to cut a service off, what that holds may not keep the process: it
   * ends one second later. In all other cases the program goes on as it wants. A second call returns the same promise.
   */
  start(): Promise<StopReport> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Stops the group in reverse order; resolves with the report. Before `start` it makes `start` end at once. */
  stop(): Promise<StopReport> {
    this.#stopAsked = true;
    void this.#group?.stop({ tag: "request" });
    return this.start();
  }

  async #run(): Promise<StopReport> {
    const plan = this.#plan();
    const definitions = this.#added.map(({ plan: { name, config }, create }) => ({
      service: name,
      module: process.argv[1] ?? "",
      config,
      create,
    }));
    const { signals = true } = this.#settings;
    const report = await supervise({
      plan,
      runtime: await detectRuntime(),
      definitions: fixedDefinitions(definitions),
      signals,
      created: (group) => {
        this.#group = group;
        if (this.#stopAsked) void group.stop({ tag: "request" });
      },
    }).catch((error: unknown) => this.#refused(error));
    // Another group of the program may have failed before.
    process.exitCode ||= exitCodeOf(report);
    if (signals && report.cause.tag === "signal" && report.outcome === "forced") endSoon();
    return report;
  }

  /** What the machine refuses ends a program as it ends `supervisor run`; anything else is thrown. */
  #refused(error: unknown): Promise<StopReport> {
    const problems = problemsOf(error);
    const isRefused =
      problems.length > 0 && problems.every(({ code }) => errorCodes[code].exit === ExitCode.failed);
    if (!this.#group || !isRefused) throw error;
    process.stderr.write(`${renderProblems(problems, { color: false, cwd: process.cwd() })}\n`);
    const message = problems.map((problem) => problem.message).join("\n");
    return this.#group.stop({ tag: "failure", message });
  }

  #plan(): Plan {
    const { name, admin, log, shutdown } = this.#settings;
    const services = this.#added.map(({ plan }) => plan);
    const known = new Set(services.map((service) => service.name));
    for (const service of services) {
      const missing = Object.keys(service.dependsOn).find((need) => !known.has(need));
      if (missing)
        throw new TypeError(`Service "${service.name}" depends on "${missing}", which was not added`);
    }
    const plan: Plan = {
      name: name ?? basename(process.argv[1] ?? "group").replace(/\.[a-z]+$/, ""),
      file: process.argv[1] ?? "",
      admin: admin ? { listen: { tag: "tcp", host: admin.host ?? "127.0.0.1", port: admin.port } } : false,
      log: { level: "info", format: "auto", ...log },
      shutdown: {
        ...defaultShutdown,
        ...shutdown,
      },
      services,
      secrets: [],
    };
    assertTogether(plan);
    return plan;
  }
}

function servicePlan(name: string, options: ServiceOptions): ServicePlan {
  const { stopTimeout, restart } = options;
  return {
    name,
    module: "",
    export: "default",
    dependsOn: options.dependsOn ?? {},
    critical: options.critical ?? true,
    config: options.config,
    env: {},
    startTimeout: options.startTimeout ?? defaultStartTimeout,
    ...(stopTimeout === undefined ? {} : { stopTimeout }),
    restart: { ...defaultRestart, ...restart, backoff: { ...defaultRestart.backoff, ...restart?.backoff } },
    health: defaultHealth,
    replace: "start-first",
    ...(options.http ? { http: httpPlan(options.http) } : {}),
  };
}

function httpPlan(http: NonNullable<ServiceOptions["http"]>): HttpPlan {
  const address = { tag: "tcp", host: http.host ?? "127.0.0.1", port: http.port } as const;
  return { address, path: http.path ?? "/", limits: defaultHttpLimits };
}

function nameOf(service: unknown): string | undefined {
  if (service === null || service === undefined) return undefined;
  const { name } = service as { name?: unknown };
  if (typeof service === "function") return usable(name);
  if (typeof name === "string" && name !== "") return name;
  const maker = Object.getPrototypeOf(service)?.constructor as { name?: string } | undefined;
  return maker === Object ? undefined : usable(maker?.name);
}

/** Code may be called what no service can be. */
function usable(name: unknown): string | undefined {
  return typeof name === "string" && serviceNames.pattern.test(name) ? name : undefined;
}
