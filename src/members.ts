import type { Brokers } from "./brokers.ts";
import { differing } from "./config/keep-unchanged.ts";
import type { Beacon } from "./core/beacon.ts";
import type { Clock } from "./core/clock.ts";
import type { LogSink } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import type { Plan, ServicePlan } from "./core/plan.ts";
import { sealed } from "./core/sealed.ts";
import type { Member } from "./group/host.ts";
import type { Blame } from "./host/blame.ts";
import { InlineHost } from "./host/inline.ts";
import { createQueueFinder } from "./host/queue-finder.ts";
import { createFinder } from "./host/service-finder.ts";
import type { HttpPlane } from "./http/http-plane.ts";
import type { Intakes } from "./intakes.ts";
import type { Definitions } from "./modules/definitions.ts";
import type { Definition } from "./modules/shape.ts";
import type { Workers } from "./workers.ts";

export interface MembersOptions {
  readonly definitions: Definitions;
  readonly http: HttpPlane;
  readonly blame: Blame;
  readonly beacon: Beacon;
  readonly sink: LogSink;
  readonly clock: Clock;
  readonly workers: Workers;
  readonly brokers: Brokers;
  readonly intakes: Intakes;
}

/** Makes what the group supervises: each service of a plan, with the host that runs it and the ways to reach it. */
export function createMembers(options: MembersOptions): (plan: Plan) => Member[] {
  const { definitions, http, blame, beacon, sink, clock, workers, brokers, intakes } = options;
  const marks = new Map<string, number>();
  /** How many generations of a service take work. */
  const serving = new Map<string, number>();
  let names: readonly string[] = [];
  const service = createFinder(() => names, http.call);
  const queue = createQueueFinder(() => brokers.names, brokers.queue);

  function member(planned: ServicePlan): Member {
    const { name, env, module, startTimeout } = planned;
    const count = (change: number) => serving.set(name, (serving.get(name) ?? 0) + change);
    return {
      ...planned,
      nextConfig: () => definitions.config(planned),
      createHost(generation, report, { fresh }) {
        // Beside one that serves, what is new has to prove itself first: a crash must not make it the only code.
        const keepsAtOnce = (serving.get(name) ?? 0) === 0;
        let made: Definition | undefined;
        let serves = false;
        const common = {
          generation,
          serving() {
            if (made) definitions.keep(made);
            serves = true;
            count(+1);
          },
          log: createLogger(sink, clock.wall, { service: name, generation }),
          mark: markOf(name),
          report,
        };
        async function blueprint() {
          made = await definitions.next(planned, fresh);
          if (keepsAtOnce) definitions.keep(made);
          return made;
        }
        function ended() {
          if (serves) count(-1);
          serves = false;
        }
        const intake = http.intake(name);
        if (planned.worker) {
          let leave = () => {};
          const host = workers.createHost({
            ...common,
            service: planned,
            ...(fresh && sealed() ? { note: sealedCode } : {}),
            prepare: blueprint,
            serving() {
              common.serving();
              if (planned.schedule) leave = intakes.keep(name, host);
            },
            ended() {
              leave();
              intakes.forget(name, report);
              ended();
            },
            intake,
            ...(planned.consume ? { floor: intakes.floor(name) } : {}),
            worked: (work) => intakes.note(name, work, report),
          });
          return host;
        }
        const entered = intakes.enter(planned);
        entered.watch(report.troubled);
        return new InlineHost({
          ...common,
          name,
          intakes: [intake, ...entered.intakes],
          startTimeout,
          blueprint,
          env,
          clock,
          beacon,
          service,
          queue,
          blame(scope) {
            const end = blame.register(scope, module);
            return () => {
              ended();
              entered.leave();
              end();
            };
          },
          ...(fresh && !definitions.reloads ? { note: sealed() ? sealedCode : notReloaded } : {}),
        });
      },
    };
  }

  /** A number for the beacon, for ever: what was removed may still run for a while. */
  function markOf(name: string): number {
    const mark = marks.get(name) ?? marks.size + 1;
    marks.set(name, mark);
    return mark;
  }

  let known: readonly ServicePlan[] = [];
  let made: readonly Member[] = [];
  // The same plan of a service makes the same member: whoever compares them sees who is not concerned.
  return ({ services }) => {
    const places = differing(known, services);
    made = places ? replaceAt(places, services) : makeAll(services);
    known = services;
    return [...made];
  };

  function replaceAt(places: readonly number[], services: readonly ServicePlan[]): Member[] {
    const next = made.slice();
    for (const place of places) next[place] = member(services[place] as ServicePlan);
    return next;
  }

  function makeAll(services: readonly ServicePlan[]): Member[] {
    names = services.map(({ name }) => name);
    for (const name of names) markOf(name);
    const before = new Map(known.map((service, place) => [service, made[place]]));
    return services.map((service) => before.get(service) ?? member(service));
  }
}

const sealedCode = "the code is the same: it is inside this executable";
const notReloaded = "the code was not loaded anew: Deno cannot; set isolation: worker";
