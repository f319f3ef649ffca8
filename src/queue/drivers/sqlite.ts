import { sleep } from "../../core/clock.ts";
import { messageOf, SupervisorError } from "../../core/errors.ts";
import { retryDelay } from "../../core/retry-delay.ts";
import type { NewTask, OpenDriver, Receiver } from "../driver.ts";
import type { SqliteAddress } from "./sqlite/address.ts";
import { parseAddress } from "./sqlite/address.ts";
import { insertTask } from "./sqlite/enqueue.ts";
import { faultOf, isUnwritable, refusalOf } from "./sqlite/faults.ts";
import { createInspector } from "./sqlite/inspector.ts";
import { lateReceiver } from "./sqlite/late-receiver.ts";
import type { Consumes } from "./sqlite/owners.ts";
import { addOwner, recoverDead, recoverGone, removeOwner, setConsumes } from "./sqlite/owners.ts";
import { createReceiver } from "./sqlite/receiver.ts";
import type { Room } from "./sqlite/room.ts";
import { createRoom } from "./sqlite/room.ts";
import { createSchedules } from "./sqlite/schedules.ts";
import type { Transaction } from "./sqlite/steps.ts";
import type { Store } from "./sqlite/store.ts";
import { joinStore, openReadingStore } from "./sqlite/store.ts";

/** A call that enqueues more is written in several transactions, so that none blocks the event loop for long. */
const chunk = 500;
/** How long an enqueue waits for a file that is not open yet, in milliseconds. */
const patience = 5_000;
/** Between two tries to open a file that another process writes just now, in milliseconds. */
const busyPause = 20;

/**
 * `sqlite:FILE`: tasks in one file, on whatever disk it is, without a server. All drivers of one file in a process share one
 * connection and commit together (group-commit.ts); other processes may use the same file, on the same machine only.
 */
export const openSqlite: OpenDriver = (options) => {
  const { url, clock, random, log, owner, looksOnly = false, onConnection } = options;
  const closing = new AbortController();
  const receivers = new Set<Receiver>();
  const consumes = new Set<Consumes>();
  let store: Store | undefined;
  let room: Room | undefined;
  let ownerNumber = 0;
  let forgetTrouble = () => {};
  let opening: Promise<Store> | undefined;
  let count = 0;

  /** Tries until it is open, or until that is useless. */
  async function open(): Promise<Store> {
    const address = parseAddress(url);
    room = createRoom({ file: address.file, clock, log });
    const began = clock.now();
    let told = false;
    for (let attempt = 0; ; attempt++) {
      if (closing.signal.aborted) throw away();
      let joined: Store | undefined;
      try {
        joined = joinStore(address, { clock, random });
        const { ask, commit } = joined;
        const signIn = (tx: Transaction) => {
          recoverDead(tx, ask);
          return addOwner(ask, owner);
        };
        ownerNumber = await commit.write(signIn, looksOnly ? { full: "reject" } : {});
        if (closing.signal.aborted) throw away();
        forgetTrouble = joined.onTrouble((error) =>
          onConnection(error ? { tag: "down", error } : { tag: "up" }),
        );
        store = joined;
        onConnection({ tag: "up" });
        return joined;
      } catch (error) {
        await joined?.close();
        const refusal = refusalOf(error, address.file);
        if (refusal) throw refusal;
        store = looksOnly && isUnwritable(error) ? tryToRead(address) : undefined;
        if (store) return store;
        // Another process writes just now: that is no trouble yet.
        const isBusy = faultOf(error) === "busy" && clock.now() - began < patience;
        if (!told && !isBusy) {
          onConnection({ tag: "down", error: room.why(error as Error) });
          told = true;
        }
        log.debug("a queue cannot be opened yet", { error: messageOf(error) });
        await sleep(clock, isBusy ? busyPause : retryDelay(attempt + 1, random()), closing.signal);
      }
    }
  }

  function tryToRead(address: SqliteAddress): Store | undefined {
    try {
      return openReadingStore(address, { clock, random });
    } catch (error) {
      log.debug("a queue cannot be read, either", { error: messageOf(error) });
      return undefined;
    }
  }

  function current(): Store {
    if (!store) throw away();
    return store;
  }

  function away(): SupervisorError {
    return new SupervisorError(
      "BROKER_UNREACHABLE",
      `The queue ${parseAddress(url).file} is not open`,
      "Its log says what keeps it from being opened.",
    );
  }

  function connect(): Promise<Store> {
    opening ??= open();
    return opening;
  }

  async function opened(): Promise<Store> {
    if (store) return store;
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(patience, () => reject(away()));
    });
    return Promise.race([connect(), late]).finally(() => cancel());
  }

  function writeConsumes(): void {
    // For operators only: trouble with the file is told by what matters more.
    void current()
      .commit.write(() => setConsumes(current().ask, ownerNumber, [...consumes]))
      .catch(() => {});
  }

  const enqueue = async (tasks: readonly NewTask[]) => {
    // Before it is open, too: what keeps it from being opened may be that very disk.
    room?.assert();
    const { commit } = store ?? (await opened());
    room?.assert();
    const write = (some: readonly NewTask[]) =>
      commit.write((tx) => some.map((task) => insertTask(tx, task)), { full: "reject" });
    if (tasks.length <= chunk) return tasks.length === 0 ? [] : write(tasks);
    const chunks = Array.from({ length: Math.ceil(tasks.length / chunk) }, (_, index) =>
      write(tasks.slice(index * chunk, (index + 1) * chunk)),
    );
    return (await Promise.all(chunks)).flat();
  };

  return {
    connect: async () => void (await connect()),
    enqueue,
    subscribe(subscription) {
      const said: Consumes = {
        id: ++count,
        startedAt: clock.wall(),
        concurrency: subscription.concurrency,
        queues: Object.fromEntries(subscription.queues.map(({ queue, weight }) => [queue, weight])),
      };
      const create = (on: Store): Receiver => {
        const onClosed = () => {
          receivers.delete(receiver);
          consumes.delete(said);
          if (!closing.signal.aborted) writeConsumes();
        };
        consumes.add(said);
        writeConsumes();
        return createReceiver(subscription, { store: on, clock, random, owner: ownerNumber, onClosed });
      };
      const receiver = store ? create(store) : lateReceiver(connect().then(create));
      receivers.add(receiver);
      return receiver;
    },
    async recover(owners) {
      const { commit, ask } = await connect();
      await commit.write((tx) => recoverGone(tx, ask, owners));
    },
    inspector: createInspector(current, () => clock.wall()),
    schedules: createSchedules(current),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      // One that is just being opened gives up.
      await opening?.catch(() => {});
      await Promise.all([...receivers].map((receiver) => receiver.close()));
      forgetTrouble();
      if (!store) return;
      const { commit, ask } = store;
      // An owner that stays is found dead, and removed, by whoever comes next.
      if (ownerNumber > 0) await commit.write(() => removeOwner(ask, ownerNumber)).catch(() => {});
      await store.close();
    },
  };
};
