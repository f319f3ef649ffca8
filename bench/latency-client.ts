/*
 * Asks one port as fast as it answers, over connections that stay open and over ones that serve a single request,
 * until it has asked so often and its input has ended:
 *
 *     bun latency-client.ts PORT REQUESTS STAYING FRESH
 *
 * Prints { "tookMs", "answered", "failed", "p50Ms", "p99Ms", "maxMs" }. Never asks again: a client that retries hides
 * what was lost.
 */
export {};

const [port, requests, staying, fresh] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
];
const request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
const durations: number[] = [];
let asked = 0;
let failed = 0;
let hasEnded = false;

process.stdin.once("end", () => {
  hasEnded = true;
});
process.stdin.resume();
const began = performance.now();
await Promise.all([...clients(staying, Number.POSITIVE_INFINITY), ...clients(fresh, 1)]);
const tookMs = performance.now() - began;
durations.sort((a, b) => a - b);
const quantile = (share: number) => durations[Math.floor((durations.length - 1) * share)];
console.log(
  JSON.stringify({
    tookMs,
    answered: durations.length,
    failed,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  }),
);
process.exit(0);

function clients(count: number, perConnection: number): Promise<void>[] {
  return Array.from({ length: count }, () => client(perConnection));
}

async function client(perConnection: number): Promise<void> {
  while (isWanted()) await converse(perConnection);
}

function isWanted(): boolean {
  return asked < requests || !hasEnded;
}

/** One connection, with so many requests at most. A new connection is part of its first request. */
function converse(most: number): Promise<void> {
  return new Promise((resolve) => {
    let left = most;
    let isWaiting = true;
    let since = performance.now();
    asked++;
    const end = () => {
      if (isWaiting) failed++;
      isWaiting = false;
      resolve();
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => void socket.write(request),
        // The answers are some 150 bytes: one always arrives whole.
        data(socket, bytes) {
          const now = performance.now();
          if (bytes.toString("latin1", 9, 12) === "200") durations.push(now - since);
          else failed++;
          isWaiting = false;
          if (--left <= 0 || !isWanted()) return void socket.end();
          since = now;
          asked++;
          isWaiting = true;
          socket.write(request);
        },
        close: end,
        error: end,
      },
    }).catch(end);
  });
}
