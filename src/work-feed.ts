import type { Clock } from "./core/clock.ts";
import type { ServiceWork } from "./core/service-work.ts";

export interface WorkFeedOptions {
  readonly clock: Clock;
  /** By the name of a service. */
  readonly work: () => Readonly<Record<string, ServiceWork>>;
  /** Gets it as JSON. */
  readonly tell: (work: string) => void;
}

/** Once a second is often enough for people and for scrapes; a message costs what a counter of each would cost. */
const everyMs = 1_000;

/** Tells at once, and each second in which it has changed, until the returned call. */
export function feedWork({ clock, work, tell }: WorkFeedOptions): () => void {
  let last = "";
  let cancel = () => {};
  const look = () => {
    const now = JSON.stringify(work());
    if (now !== last) tell(now);
    last = now;
    cancel = clock.after(everyMs, look);
  };
  look();
  return () => cancel();
}
