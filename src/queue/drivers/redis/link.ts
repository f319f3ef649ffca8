import type { Clock } from "../../../core/clock.ts";
import { messageOf, SupervisorError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import type { DriverOptions } from "../../driver.ts";
import type { RedisAddress } from "./address.ts";
import type { Client } from "./connect.ts";
import { createClient } from "./connect.ts";
import { brokerError, isPassing, isRefusal, refused, unreachable } from "./redis-error.ts";
import type { Script } from "./script.ts";

export type Argument = string | number | Uint8Array;

/** The way to one Redis: its commands, whether it is there, and connections of their own for what waits. */
export interface Link {
  readonly broker: string;
  /** Keys of several queues may not be in one script. */
  readonly isCluster: boolean;
  /** As `Driver.connect`. */
  connect(): Promise<void>;
  isUp(): boolean;
  /** Why it is not there: BROKER_UNREACHABLE, or BROKER_REFUSED when it does not let us in. */
  awayError(): Error;
  /** Resolves when it is there, at once if it is; or when `signal` aborts, or the link is closed. */
  untilUp(signal?: AbortSignal): Promise<void>;
  /** Called each time it is there (again), the first time too. */
  onUp(callback: () => void): void;
  /** Texts of replies are Buffers. @throws SupervisorError BROKER_UNREACHABLE, BROKER_FULL, BROKER_REFUSED, BROKER_KEY */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  command(name: string, ...args: readonly Argument[]): Promise<unknown>;
  /** A connection that may block, or subscribe; closed with the link. */
  side(name: string, events: { onReady(client: Client): void }): Promise<Client>;
  close(): Promise<void>;
}

export function createLink(options: DriverOptions, address: RedisAddress): Link {
  const { name: broker, log, random } = options;
  const clients: Client[] = [];
  const waiting = new Set<() => void>();
  const onUp: (() => void)[] = [];
  let main: Client | undefined;
  let state: "unknown" | "up" | "down" = "unknown";
  let permanent: Error | undefined;
  /** Why it is down, as it was told. */
  let reason: Error | undefined;
  let isClosed = false;
  let connecting: Promise<void> | undefined;

  /** A connection that is about to end is not there any more, although nobody has been told yet. */
  function isUp(): boolean {
    return state === "up" && main?.status === "ready";
  }

  function changed(): void {
    for (const wake of [...waiting]) wake();
  }

  async function ready(): Promise<void> {
    try {
      await assertUsable(main as Client, broker, log, state === "unknown");
    } catch (error) {
      if (isPassing(error)) return;
      if (state !== "up") permanent = error as Error;
      lost(error as Error);
      return;
    }
    if (isClosed || state === "up") return;
    state = "up";
    reason = undefined;
    options.onConnection({ tag: "up" });
    for (const callback of onUp) callback();
    changed();
  }

  function lost(error: Error | undefined): void {
    if (isClosed) return;
    // A wrong password is permanent while nothing has ever worked: later it may be a rotation that is under way.
    if (state === "unknown" && error && isRefusal(error.message))
      permanent = refused(broker, error.message, error);
    const cause = error ? brokerError(error, broker) : unreachable(broker, "the connection was lost");
    // What ended the connection is seldom said; that we are not let in again is, and somebody has to do something.
    if (state !== "down" || isRefused(cause) !== isRefused(reason)) {
      state = "down";
      reason = cause;
      options.onConnection({ tag: "down", error: cause });
    }
    if (permanent) changed();
  }

  async function open(): Promise<void> {
    main = await createClient(
      address,
      { onReady: () => void ready(), onLost: lost },
      { random, name: `supervisor:${broker}` },
    );
    clients.push(main);
    if (isClosed) main.disconnect();
  }

  function awayError(): Error {
    if (permanent) return permanent;
    return isRefused(reason) ? (reason as Error) : unreachable(broker, "there is no connection");
  }

  async function call<T>(keys: readonly string[], send: (client: Client) => Promise<T>): Promise<T> {
    if (!main || !isUp()) throw awayError();
    try {
      return await send(main);
    } catch (error) {
      // A server that does not answer in time may never do: the connection is made anew.
      if (/Command timed out/.test(messageOf(error))) {
        lost(error as Error);
        main.disconnect(true);
      }
      throw brokerError(error, broker, keys);
    }
  }

  const link: Link = {
    broker,
    isCluster: address.mode === "cluster",
    async connect() {
      connecting ??= open();
      await connecting;
      while (state !== "up" && !permanent && !isClosed) await nextChange(waiting);
      if (permanent) {
        const error = permanent;
        await link.close();
        throw error;
      }
      if (isClosed) throw unreachable(broker, "it was closed");
    },
    isUp,
    awayError,
    async untilUp(signal) {
      while (!isUp() && !isClosed && !signal?.aborted) await nextChange(waiting, signal);
    },
    onUp(callback) {
      onUp.push(callback);
      if (isUp()) callback();
    },
    run: (script, keys, args) => call(keys, (client) => evaluate(client, script, keys, args)),
    command: (name, ...args) =>
      call([String(args[0])], (client) => client.callBuffer(name, ...asArguments(args)) as Promise<unknown>),
    async side(name, events) {
      const made: { client?: Client } = {};
      const client = await createClient(
        address,
        { onReady: () => made.client && events.onReady(made.client), onLost: () => {} },
        { random, name: `supervisor:${broker}:${name}`, blocking: true },
      );
      made.client = client;
      clients.push(client);
      if (isClosed) client.disconnect();
      return client;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      changed();
      for (const client of clients) client.disconnect();
    },
  };
  return link;
}

/** Waits until it is there, at most `ms` from now. @throws SupervisorError BROKER_UNREACHABLE */
export async function untilUpWithin(link: Link, clock: Clock, ms: number): Promise<void> {
  if (link.isUp()) return;
  const over = new AbortController();
  const cancel = clock.after(ms, () => over.abort());
  await link.untilUp(over.signal);
  cancel();
  if (!link.isUp()) throw link.awayError();
}

async function evaluate(
  client: Client,
  { sha, text }: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const rest = [keys.length, ...keys, ...asArguments(args)];
  try {
    return await client.callBuffer("EVALSHA", sha, ...rest);
  } catch (error) {
    // A server that has just been started, or failed over to, knows no scripts.
    if (!/^NOSCRIPT/.test(messageOf(error))) throw error;
    return await client.callBuffer("EVAL", text, ...rest);
  }
}

function asArguments(args: readonly Argument[]): (string | number | Buffer)[] {
  return args.map((arg) =>
    typeof arg === "object" ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : arg,
  );
}

/** Redis 6.2 is needed for RPOP with a count, ZMSCORE, BLMOVE; without an append-only file a crash loses tasks. */
async function assertUsable(client: Client, broker: string, log: Logger, isFirst: boolean): Promise<void> {
  let info: string;
  try {
    info = String(await client.callBuffer("INFO"));
  } catch (error) {
    if (/^NOPERM/.test(messageOf(error))) return;
    throw isRefusal(messageOf(error)) ? refused(broker, messageOf(error), error) : error;
  }
  const version = /redis_version:(\d+)\.(\d+)\S*/.exec(info);
  if (version && Number(version[1]) * 100 + Number(version[2]) < 602) {
    throw new SupervisorError(
      "BROKER_REFUSED",
      `Broker "${broker}" is Redis ${version[0].slice("redis_version:".length)}, which lacks commands that queues need.`,
      "Use Redis 6.2 or newer, or Valkey; or sqlite:./data/queue.db, which needs no server.",
    );
  }
  if (isFirst && /aof_enabled:0/.test(info)) {
    log.warn(
      `Redis of broker "${broker}" keeps no append-only file: tasks are lost when it crashes. Set "appendonly yes".`,
    );
  }
}

function isRefused(error: Error | undefined): boolean {
  return error instanceof SupervisorError && error.code === "BROKER_REFUSED";
}

function nextChange(waiting: Set<() => void>, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    waiting.add(done);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      waiting.delete(done);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
