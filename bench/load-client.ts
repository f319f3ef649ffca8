/*
 * Asks one port as fast as it answers, over 50 connections that stay open; for machines without wrk:
 *
 *     bun load-client.ts PORT SECONDS PATH     prints { "requestsPerSecond", "p50Ms", "p99Ms" }
 */
export {};

const [port, seconds, path] = process.argv.slice(2) as [string, string, string];
const connections = 50;
const request = `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`;
const durations: number[] = [];
const began = performance.now();
const until = began + Number(seconds) * 1000;

await Promise.all(Array.from({ length: connections }, converse));

const tookMs = performance.now() - began;
durations.sort((a, b) => a - b);
const quantile = (share: number) => durations[Math.floor(durations.length * share)];
console.log(
  JSON.stringify({
    requestsPerSecond: (durations.length / tookMs) * 1000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  }),
);

/** One connection: the next request leaves when the answer to the last one is there. */
function converse(): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = performance.now();
    const fail = (what: string) => reject(new Error(what));
    Bun.connect({
      hostname: "127.0.0.1",
      port: Number(port),
      socket: {
        open: (socket) => void socket.write(request),
        // The answers are some 150 bytes: one always arrives whole.
        data(socket, bytes) {
          if (bytes.toString("latin1", 9, 12) !== "200") return fail("an answer that is not 200");
          const now = performance.now();
          durations.push(now - asked);
          asked = now;
          if (now < until) socket.write(request);
          else socket.end();
        },
        close: () => resolve(),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}
