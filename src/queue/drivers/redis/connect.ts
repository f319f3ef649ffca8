import { readFileSync } from "node:fs";
import type { Cluster, Redis } from "ioredis";
import { retryDelay } from "../../../core/retry-delay.ts";
import type { RedisAddress } from "./address.ts";
import { withoutCommand } from "./redis-error.ts";

export type Client = Redis | Cluster;

export interface ClientEvents {
  readonly onReady: () => void;
  /** It was lost, or could not be had. */
  readonly onLost: (error: Error | undefined) => void;
}

export interface ClientOptions {
  readonly random: () => number;
  /** As `CLIENT LIST` shows it. */
  readonly name: string;
  /** For commands that wait: they have no time-out of their own. */
  readonly blocking?: boolean;
}

/**
 * A connection that is made again by itself, for as long as it is not closed. Nothing waits in it: a command while it
 * is away fails at once, and one whose reply is lost fails when the connection does, so that whoever called decides.
 *
 * RESP2 on purpose: ioredis 6 would negotiate RESP3, in which replies have other shapes. `noDelay`, because with
 * Nagle's algorithm every confirmed write waits for a delayed acknowledgement.
 */
export async function createClient(
  address: RedisAddress,
  events: ClientEvents,
  options: ClientOptions,
): Promise<Client> {
  const { Redis, Cluster } = await import("ioredis");
  const common = commonOptions(address, options);
  const client =
    address.mode === "cluster"
      ? new Cluster(
          address.hosts.map(({ host, port }) => ({ host, port })),
          {
            lazyConnect: true,
            enableOfflineQueue: false,
            clusterRetryStrategy: (tries) => retryDelay(tries, options.random()),
            retryDelayOnFailover: 200,
            retryDelayOnClusterDown: 200,
            slotsRefreshTimeout: 2_000,
            // Certificates and firewalls know names; nodes announce what they are reached by.
            dnsLookup: (host, done) => done(null, host),
            redisOptions: common,
          },
        )
      : new Redis({
          ...common,
          enableOfflineQueue: false,
          retryStrategy: (tries) => retryDelay(tries, options.random()),
          ...place(address),
        });
  let last: Error | undefined;
  client.on("error", (error: Error & { readonly command?: { readonly name: string } }) => {
    // It goes out with the password, whose refusal comes a moment later and says why.
    const isSequel = error.command?.name === "select" && /^NOAUTH/.test(error.message);
    if (isSequel && address.password !== undefined) return;
    withoutCommand(error);
    last = error;
    if (client.status !== "ready") events.onLost(error);
  });
  client.on("ready", () => {
    last = undefined;
    events.onReady();
  });
  client.on("close", () => events.onLost(last));
  // It reports by the events above, and goes on trying.
  client.connect().catch(() => {});
  return client;
}

function commonOptions(address: RedisAddress, options: ClientOptions) {
  return {
    lazyConnect: true,
    protocol: 2,
    noDelay: true,
    keepAlive: 10_000,
    connectTimeout: 5_000,
    // A server's guess of how long it still loads is wild at first, and would outlast the callers' patience.
    maxLoadingRetryTime: 200,
    connectionName: options.name,
    disableClientInfo: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: true,
    maxRetriesPerRequest: 0,
    ...(options.blocking ? {} : { commandTimeout: 5_000 }),
    // A master that became a replica: connect anew, to whoever is master now.
    reconnectOnError: (error: Error) => (/^READONLY/.test(error.message) ? 1 : false),
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: tlsOptions(address) } : {}),
  } as const;
}

function place(address: RedisAddress) {
  const [first] = address.hosts;
  if (address.mode !== "sentinel") return { ...(first ?? {}), db: address.db };
  return {
    sentinels: address.hosts.map(({ host, port }) => ({ host, port })),
    ...(address.master === undefined ? {} : { name: address.master }),
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    sentinelRetryStrategy: () => 200,
    ...(address.tls ? { enableTLSForSentinelMode: true } : {}),
    db: address.db,
  };
}

function tlsOptions({ ca }: RedisAddress): { ca?: string } {
  return ca === undefined ? {} : { ca: readFileSync(ca, "utf8") };
}
