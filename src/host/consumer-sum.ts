import type { ConsumerStats, Histogram } from "../core/consumer-stats.ts";

/** Of at least one consumer: what several have done together; the lag is that of the one that lags most. */
export function sumOf(all: readonly ConsumerStats[]): ConsumerStats {
  return all.reduce((sum, stats) => ({
    received: sum.received + stats.received,
    done: sum.done + stats.done,
    failed: sum.failed + stats.failed,
    dead: sum.dead + stats.dead,
    released: sum.released + stats.released,
    lost: sum.lost + stats.lost,
    active: sum.active + stats.active,
    buffered: sum.buffered + stats.buffered,
    blockedKeys: sum.blockedKeys + stats.blockedKeys,
    lag: Math.max(sum.lag, stats.lag),
    latency: together(sum.latency, stats.latency),
    duration: together(sum.duration, stats.duration),
  }));
}

function together(one: Histogram, other: Histogram): Histogram {
  return {
    counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
    sum: one.sum + other.sum,
  };
}
