import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import { loadClient } from "./load.ts";
import type { Bench } from "./measure.ts";
import { interleave, pick } from "./measure.ts";

const warmUpSeconds = 1;

/**
 * One of two services under as much load as a client can make. Every round has a process of its own: two
 * runs of the very same program differ by up to a tenth for as long as they live, and only many of them tell.
 */
export async function measureHttp(bench: Bench): Promise<Figure[]> {
  const client = loadClient();
  const seconds = bench.quick ? 1 : 3;
  bench.say(`requests per second (${client.name}, ${seconds} s each)`);
  const workload = bench.workshop.workload(2, bench.firstPort);
  const port = workload.ports[1] as number;
  const loads = await interleave(bench.quick ? 4 : 11, async (contender) => {
    const running = await start(contender, workload, bench.supervisor);
    await client.run(port, warmUpSeconds);
    const load = await client.run(port, seconds);
    await running.stop();
    return load;
  });
  return [
    figure(
      "HTTP",
      "req/s",
      pick(loads, (load) => load.requestsPerSecond),
      "ratio",
      { atLeast: 0.97 },
    ),
    figure(
      "HTTP",
      "p50 ms",
      pick(loads, (load) => load.p50Ms),
      "ratio",
    ),
    figure(
      "HTTP",
      "p99 ms",
      pick(loads, (load) => load.p99Ms),
      "ratio",
    ),
  ];
}
