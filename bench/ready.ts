import { path } from "./workload.ts";

const request = `GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`;
const pauseMs = 0.2;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Resolves with `performance.now()` at the moment from which every port answers 200.
 *
 * Only the last port is polled, some 0.3 ms apart, with a thread that sleeps in between: the process under
 * test has the other core to itself. All the others are asked, at once, when the last one has answered; one
 * that does not answer 200 by then moves the moment to when it does.
 *
 * @throws when `alive` says that the process has gone, or after 30 seconds.
 */
export async function allReady(ports: readonly number[], alive: () => boolean): Promise<number> {
  const giveUpAt = performance.now() + 30_000;
  const last = ports[ports.length - 1] as number;
  let moment = await untilReady(last, alive, giveUpAt);
  const others = await Promise.all(
    ports.slice(0, -1).map(async (port) => ((await statusOf(port)) === 200 ? [] : [port])),
  );
  for (const late of others.flat()) moment = Math.max(moment, await untilReady(late, alive, giveUpAt));
  return moment;
}

async function untilReady(port: number, alive: () => boolean, giveUpAt: number): Promise<number> {
  while ((await statusOf(port)) !== 200) {
    if (!alive()) throw new Error("the process ended before its services answered");
    if (performance.now() > giveUpAt) throw new Error(`port ${port} did not answer 200 within 30 s`);
    // A timer of the event loop has a resolution of 1 ms; a thread that waits wakes on time.
    Atomics.wait(pause, 0, 0, pauseMs);
  }
  return performance.now();
}

/** The HTTP status that a port answers; 0 when nobody listens. */
function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const gone = () => resolve(0);
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => void socket.write(request),
        data(socket, bytes) {
          resolve(Number(bytes.toString("latin1", 9, 12)));
          socket.end();
        },
        connectError: gone,
        close: gone,
        error: gone,
      },
    }).catch(gone);
  });
}
