import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Logger } from "../core/log.ts";
import type { Loop } from "./loop-watch.ts";
import { createLoopWatch } from "./loop-watch.ts";
import type { StallRecord } from "./stall-report.ts";
import { createStallReport } from "./stall-report.ts";
import { createStretchReport } from "./stretch-report.ts";
import type { LoopDelay, Stretch } from "./stretches.ts";
import { createStretches } from "./stretches.ts";

/** In the order of their marks in the beacon. */
type Marked = readonly { readonly name: string }[];

/** The main thread's event loop, as it is seen from another thread. */
export interface MainLoop {
  /** Whether it turns at `now`, on a clock that never jumps. */
  state(now: number): Loop;
  /** Like `state`, and logs what there is to tell: its freezes, and who kept it for long. Call it every 100 ms or oftener. */
  look(now: number): Loop;
  /** How late it was over the last minute; undefined before its first beat. */
  delay(): LoopDelay | undefined;
  /** For how long a service has kept it at most; undefined when it never did. */
  longest(service: string): Stretch | undefined;
  /** There are other services now. */
  adopt(services: Marked): void;
}

export function createMainLoop(beacon: Beacon, services: Marked, log: Logger): MainLoop {
  let marked = services;
  let marks: ReadonlyMap<string, number> | undefined;
  let state = createLoopWatch(beacon, marked);
  const stallOf = createStallReport();
  const stretches = createStretches(beacon);
  const stretchOf = createStretchReport((mark) => marked[mark - 1]?.name);
  let wasFrozen = false;

  function tell(record: StallRecord | undefined): void {
    if (record) log[record.level](record.message, record.fields);
  }

  /** A freeze has its own records, and before the services are ready their modules take their time. */
  function tellStretches(now: number, frozen: boolean): void {
    const ended = stretches.look(now, Date.now());
    const isQuiet = wasFrozen || beacon[beaconCells.started] === 0;
    wasFrozen = frozen;
    if (!isQuiet) for (const stretch of ended) tell(stretchOf(stretch));
  }

  return {
    state: (now) => state(now),
    look(now) {
      const loop = state(now);
      tell(stallOf(loop));
      tellStretches(now, loop.frozen);
      return loop;
    },
    delay: stretches.delay,
    longest(service) {
      marks ??= new Map(marked.map(({ name }, index) => [name, index + 1]));
      const mark = marks.get(service);
      return mark === undefined ? undefined : stretches.longest(mark);
    },
    adopt(next) {
      marked = next;
      marks = undefined;
      state = createLoopWatch(beacon, marked);
    },
  };
}
