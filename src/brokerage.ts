import type { Brokers } from "./brokers.ts";
import { createBrokers } from "./brokers.ts";
import type { Clock } from "./core/clock.ts";
import { within } from "./core/deadline.ts";
import { closingTime } from "./core/ladder.ts";
import type { Logger, LogSink } from "./core/log.ts";
import type { Plan } from "./core/plan.ts";
import type { Intakes } from "./intakes.ts";
import { createIntakes } from "./intakes.ts";
import { feedWork } from "./work-feed.ts";

export interface BrokerageOptions {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly sink: LogSink;
  /** Takes what consumers and schedules do, as JSON. */
  readonly tell: (work: string) => void;
}

/** The brokers of a plan and the work that they bring, from the start to the end, through reloads. */
export interface Brokerage {
  readonly brokers: Brokers;
  readonly intakes: Intakes;
  /** Before a service of `next` is made; also of the first plan. */
  adopt(next: Plan): Promise<void>;
  /** What nobody uses any more may go. */
  release(): Promise<void>;
  /** After all services. A broker that is away is not waited for longer than a stop has time to close. */
  close(): Promise<void>;
}

export function createBrokerage({ plan, clock, random, log, sink, tell }: BrokerageOptions): Brokerage {
  const brokers = createBrokers({ clock, random, log, brokers: plan.brokers ?? [] });
  const intakes = createIntakes({ clock, random, brokers, sink });
  let stopFeeding: (() => void) | undefined;
  let budget = plan.shutdown.timeout;
  return {
    brokers,
    intakes,
    async adopt(next) {
      budget = next.shutdown.timeout;
      brokers.adopt(next.brokers ?? []);
      await intakes.prepare(next);
      const hasWork = next.services.some(({ consume, schedule }) => consume || schedule);
      if (hasWork) stopFeeding ??= feedWork({ clock, work: intakes.work, tell });
    },
    release: brokers.closeUnused,
    async close() {
      stopFeeding?.();
      await within(clock, clock.now() + closingTime(budget), brokers.closeAll());
    },
  };
}
