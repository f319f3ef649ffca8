import type { Clock } from "../core/clock.ts";

/** Whoever waits for something to become true. */
export interface Watchers {
  /** Resolves true when `holds`, which is asked now and at every `poke`; false after `patienceMs`. */
  until(holds: () => boolean, patienceMs: number): Promise<boolean>;
  /** Something has changed. */
  poke(): void;
}

export function createWatchers(clock: Clock): Watchers {
  const watchers = new Set<() => void>();
  return {
    until(holds, patienceMs) {
      if (holds()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const settle = (held: boolean) => {
          watchers.delete(watcher);
          cancel();
          resolve(held);
        };
        const watcher = () => {
          if (holds()) settle(true);
        };
        const cancel = clock.after(patienceMs, () => settle(false));
        watchers.add(watcher);
      });
    },
    poke() {
      for (const watcher of [...watchers]) watcher();
    },
  };
}
