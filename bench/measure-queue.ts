import type { Figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { backlog } from "./queue/backlog.ts";
import { consumedFromRedis, consumedInProcess } from "./queue/consume.ts";
import { enqueued } from "./queue/enqueue.ts";
import { idleCost } from "./queue/idle.ts";
import { startLatency } from "./queue/latency.ts";
import { preparePeers } from "./queue/peers.ts";
import { startRedis } from "./queue/redis-server.ts";

/**
 * Queues through the whole product (services.yaml, the compiled binary, a module that does nothing), beside asynq, BullMQ
 * and the bare client on the same Redis. What needs redis-server is left out where there is none.
 */
export async function measureQueue(bench: Bench): Promise<Figure[]> {
  const peers = preparePeers(bench);
  const redis = await startRedis(bench);
  if (!redis) bench.say("without Redis: there is no redis-server");
  const figures = [
    ...(redis ? await consumedFromRedis(bench, redis, peers) : []),
    ...(await consumedInProcess(bench)),
    ...(await enqueued(bench, redis, peers)),
    ...(await startLatency(bench, redis)),
    ...(await idleCost(bench, redis)),
    ...(await backlog(bench, redis)),
  ];
  await redis?.stop();
  return figures;
}
