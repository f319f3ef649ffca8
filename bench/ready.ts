import { ask, statusOf } from "./probe.ts";

const pauseMs = 0.25;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Resolves with `performance.now()` at the moment from which every port answers 200.
 *
 * Only the last port is polled, every 0.25 ms, by a thread that sleeps in between: the process under test has
 * the machine to itself. All the others are asked, at once, when the last one has answered; one that does not
 * answer 200 by then moves the moment to when it does.
 *
 * @throws when `alive` says that the process has gone, or after 30 seconds.
 */
export async function allReady(ports: readonly number[], alive: () => Promise<boolean>): Promise<number> {
  const giveUpAt = performance.now() + 30_000;
  let moment = await untilReady(ports.at(-1) as number, alive, giveUpAt);
  const others = ports.slice(0, -1).map((port) => ({ port, asked: ask(port) }));
  const late = others.filter(({ asked }) => statusOf(asked) !== 200);
  for (const { port } of late) moment = Math.max(moment, await untilReady(port, alive, giveUpAt));
  return moment;
}

async function untilReady(port: number, alive: () => Promise<boolean>, giveUpAt: number): Promise<number> {
  for (let tries = 1; statusOf(ask(port)) !== 200; tries++) {
    // Looking after the process takes a turn of the event loop: not every time.
    if (tries % 400 === 0 && !(await alive()))
      throw new Error("the process ended before its services answered");
    if (performance.now() > giveUpAt) throw new Error(`port ${port} did not answer 200 within 30 s`);
    Atomics.wait(pause, 0, 0, pauseMs);
  }
  return performance.now();
}
