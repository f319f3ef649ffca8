import type { Clock } from "../../src/core/clock.ts";

/** The time of day, which goes on by itself, and `jump` makes it later: for brokers whose replies take real time. */
export interface JumpClock extends Clock {
  jump(ms: number): void;
}

export function jumpClock(): JumpClock {
  let ahead = 0;
  const waiting = new Set<{ readonly at: number; timer: Timer; readonly callback: () => void }>();
  const now = () => performance.now() + ahead;
  return {
    now,
    wall: () => Date.now() + ahead,
    after(delayMs, callback) {
      const entry = { at: now() + delayMs, callback: fire, timer: setTimeout(fire, delayMs) };
      waiting.add(entry);
      function fire() {
        if (waiting.delete(entry)) callback();
      }
      return () => {
        clearTimeout(entry.timer);
        waiting.delete(entry);
      };
    },
    jump(ms) {
      ahead += ms;
      const due = [...waiting].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at);
      for (const { timer, callback } of due) {
        clearTimeout(timer);
        callback();
      }
    },
  };
}

type Timer = ReturnType<typeof setTimeout>;
