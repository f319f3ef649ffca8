/*
 * The service that consumes, and notes how long after the time in its payload each message began.
 *
 *     GET /count   { count }: how many since the last
 *     GET /        { count, p50Ms, p99Ms, maxMs }, which begins anew
 */
import type { Message } from "../../src/service/message.ts";

let lateness: number[] = [];

export default {
  consume({ data }: Message<{ at: number }>): void {
    lateness.push(performance.timeOrigin + performance.now() - data.at);
  },
  fetch(request: Request): Response {
    if (new URL(request.url).pathname === "/count") return Response.json({ count: lateness.length });
    const sorted = lateness.sort((a, b) => a - b);
    lateness = [];
    const quantile = (share: number) => sorted[Math.floor((sorted.length - 1) * share)];
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map(quantile);
    return Response.json({ count: sorted.length, p50Ms, p99Ms, maxMs });
  },
};
