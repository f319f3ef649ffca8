import type { Beacon } from "./core/beacon.ts";
import type { Clock } from "./core/clock.ts";
import type { LogSink } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import { nearest } from "./core/nearest.ts";
import type { Plan } from "./core/plan.ts";
import type { Member } from "./group/host.ts";
import type { Blame } from "./host/blame.ts";
import { InlineHost } from "./host/inline.ts";
import type { HttpPlane } from "./http/http-plane.ts";
import type { Definition } from "./modules/shape.ts";
import type { ServiceHandle } from "./service/contract.ts";

export interface MembersOptions {
  readonly plan: Plan;
  /** By service; filled before the group starts, not necessarily before this is called. */
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly http: HttpPlane;
  readonly blame: Blame;
  readonly beacon: Beacon;
  readonly sink: LogSink;
  readonly clock: Clock;
}

/** What the group supervises: each service of the plan, with the host that runs it and the ways to reach it. */
export function membersOf(options: MembersOptions): Member[] {
  const { plan, definitions, http, blame, beacon, sink, clock } = options;
  const service = finder(plan, http);
  return plan.services.map((planned, index) => {
    const { name, env } = planned;
    return {
      ...planned,
      createHost(generation, report) {
        const { create, config, module } = definitions.get(name) as Definition;
        return new InlineHost({
          name,
          generation,
          create,
          config,
          env,
          log: createLogger(sink, clock.wall, { service: name, generation }),
          clock,
          beacon,
          mark: index + 1,
          intake: http.intake(name),
          service,
          report,
          blame: (scope) => blame.register(scope, module),
        });
      },
    };
  });
}

/** `ctx.service(name)`: calls within the process. */
function finder(plan: Plan, http: HttpPlane): (name: string) => ServiceHandle {
  const names = plan.services.map((service) => service.name);
  const known = new Set(names);
  return (name) => {
    if (!known.has(name)) throw new RangeError(unknown(name, names));
    return {
      fetch: (input, init) => http.call(name, requestTo(name, input, init)),
    };
  };
}

function requestTo(name: string, input: Request | string, init?: RequestInit): Request {
  return typeof input === "string"
    ? new Request(new URL(input, `http://${name}/`), init)
    : new Request(input, init);
}

function unknown(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const help = near ? `did you mean "${near}"?` : `known services: ${names.join(", ")}`;
  return `ctx.service("${name}"): no service has that name; ${help}`;
}
