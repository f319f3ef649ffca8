import type { Ring } from "./ring.ts";
import { createRing } from "./ring.ts";

/** One line of the log, with its line feed. */
export interface StoredLine {
  /** Grows by one from line to line, over all services. */
  readonly number: number;
  /** "" is the supervisor itself. */
  readonly service: string;
  readonly text: string;
}

/** The last lines of every service; they outlive its generations. */
export interface LogStore {
  add(service: string, text: string): void;
  /** The newest `count` lines of all `services` together, oldest first. Absent: of everybody. */
  last(count: number, services?: ReadonlySet<string>): StoredLine[];
  /** Calls `listener` with every line to come. Returns how to stop. */
  follow(listener: (line: StoredLine) => void): () => void;
}

/** Of one service; and what all services together may take, in characters. */
const perService = { entries: 1_000, bytes: 512 * 1_024 };
const mostBytes = 16 * 1_048_576;

export function createLogStore(
  limits: { readonly perService?: typeof perService; readonly bytes?: number } = {},
): LogStore {
  const most = limits.bytes ?? mostBytes;
  const rings = new Map<string, Ring<StoredLine>>();
  const listeners = new Set<(line: StoredLine) => void>();
  let total = 0;
  let number = 0;

  function ringOf(service: string): Ring<StoredLine> {
    let ring = rings.get(service);
    if (!ring) {
      ring = createRing(limits.perService ?? perService);
      rings.set(service, ring);
    }
    return ring;
  }

  function change(ring: Ring<StoredLine>, work: () => void): void {
    const before = ring.bytes;
    work();
    total += ring.bytes - before;
  }

  /** Whoever has most gives: a service that is quiet keeps its few lines. */
  function makeRoom(): void {
    while (total > most) {
      const largest = [...rings.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a));
      if (largest.length === 0) return;
      change(largest, () => largest.halve());
    }
  }

  return {
    add(service, text) {
      const line = { number: number++, service, text };
      const ring = ringOf(service);
      change(ring, () => ring.push(line, text.length));
      makeRoom();
      for (const listener of listeners) listener(line);
    },
    last(count, services) {
      const chosen = [...rings].filter(([service]) => services?.has(service) ?? true);
      const lines = chosen.flatMap(([, ring]) => ring.last(count));
      lines.sort((a, b) => a.number - b.number);
      return count === 0 ? [] : lines.slice(-count);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
