import { hostname } from "node:os";
import type { Clock } from "../../../core/clock.ts";
import { messageOf } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { isHolderDead } from "./liveness.ts";
import { ownersScript, recoverScript, tendScript } from "./lua/tend.ts";
import { isPassing } from "./redis-error.ts";
import { script } from "./script.ts";
import type { Times } from "./time.ts";
import type { Watch } from "./watch.ts";

/**
 * Looks after the queues that are consumed here, once a second and when the next task is due; and whenever Redis is
 * there (again), after what died with its process.
 */
export interface Tending {
  /** From now on these, too; resolves when what dead processes held is pending again, as far as Redis answers. */
  add(queues: readonly string[]): Promise<void>;
  remove(queues: readonly string[]): void;
  /** A task of this queue will be due then. */
  dueAt(queue: string, at: number): void;
  /** The reply to this claim was lost: whatever it took is nobody's. */
  abandon(claim: string): void;
  /** Owners whose name begins so are gone: takes back what they claimed. */
  recover(owners: readonly string[]): Promise<void>;
  /** Called once a second while there are queues. */
  onBeat(callback: () => void): () => void;
  close(): void;
}

export function createTending(options: {
  readonly link: Link;
  readonly clock: Clock;
  readonly times: Times;
  readonly log: Logger;
  readonly watch: Watch;
}): Tending {
  const { link, clock, times, log, watch } = options;
  const tended = new Map<string, number>();
  const beats = new Set<() => void>();
  const abandoned = new Set<string>();
  const wrongs = new Map<string, string>();
  const gone: string[] = [];
  const host = hostname();
  let timer: { readonly cancel: () => void; readonly at: number } | undefined;
  let nextDue = Number.POSITIVE_INFINITY;
  let lastBeat = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  let isClosed = false;

  let surveyed: Promise<unknown> = Promise.resolve();
  link.onUp(() => {
    surveyed = surveyAll();
    for (const queue of tended.keys()) watch.stir(queue);
  });

  /** Runs at the next beat, or when the first task is due if that is sooner. */
  function schedule(): void {
    if (isClosed || isBusy || tended.size === 0) return;
    const beat = lastBeat + beatMs - clock.now();
    const due = nextDue - clock.wall();
    const delay = Math.max(0, Math.min(beat, Math.max(due, leastGap)));
    const at = clock.now() + delay;
    if (timer && timer.at <= at) return;
    timer?.cancel();
    timer = { at, cancel: clock.after(delay, () => void tick()) };
  }

  async function tick(): Promise<void> {
    timer = undefined;
    isBusy = true;
    const isBeat = clock.now() - lastBeat > beatMs - earlyMs;
    if (isBeat) lastBeat = clock.now();
    nextDue = Number.POSITIVE_INFINITY;
    if (link.isUp()) {
      const queues = [...tended.keys()];
      if (link.isCluster) await Promise.all(queues.map((queue) => tend([queue])));
      else await tend(queues);
      if (isBeat) for (const beat of beats) beat();
    }
    isBusy = false;
    schedule();
  }

  async function tend(queues: readonly string[]): Promise<void> {
    try {
      const prefixes = queues.map((queue) => keys.queue(queue));
      const answers = (await link.run(tendCall, prefixes, [times.ms()])) as Tended[];
      for (const [index, [due, pending, recovered, wrong]] of answers.entries()) {
        const queue = queues[index] as string;
        noteDue(Number(due.toString()));
        noteWrong(queue, wrong?.toString());
        if (recovered > 0)
          log.warn(`${recovered} tasks of queue "${queue}" wait again: the lease on them ran out.`);
        if (pending > 0) watch.stir(queue);
      }
    } catch (error) {
      if (!isPassing(error)) log.warn(`Queues could not be looked after: ${messageOf(error)}`);
    }
  }

  /** Told once per change. */
  function noteWrong(queue: string, wrong: string | undefined): void {
    if (wrongs.get(queue) === wrong) return;
    if (wrong === undefined) {
      wrongs.delete(queue);
      log.info(`Queue "${queue}" goes on: its keys are right again.`);
    } else {
      wrongs.set(queue, wrong);
      log.error(`Queue "${queue}" stands still: ${wrong}. Rename or delete it.`);
    }
  }

  function noteDue(at: number): void {
    if (at > 0 && at < nextDue) nextDue = at;
  }

  async function surveyAll(): Promise<void> {
    try {
      const queues = (await link.command("SMEMBERS", keys.queues)) as Buffer[];
      await Promise.all(queues.map((queue) => survey(String(queue))));
    } catch (error) {
      if (!isPassing(error)) log.warn(`Queues could not be listed: ${messageOf(error)}`);
    }
  }

  /** Takes back what was claimed by processes of this machine that have died, and by claims whose reply was lost. */
  async function survey(queue: string): Promise<void> {
    try {
      const leases = (await link.run(ownersCall, [keys.queue(queue)], [])) as Buffer[];
      const dead: Argument[] = [1];
      const lost: Argument[] = [0];
      for (let index = 0; index < leases.length; index += 2) {
        const [id, owner] = [String(leases[index]), String(leases[index + 1])];
        if (abandoned.has(owner)) lost.push(id, owner);
        else if (owner !== "" && isGone(owner)) dead.push(id, owner);
      }
      for (const args of [dead, lost]) {
        if (args.length === 1) continue;
        for (let from = 1; from < args.length; from += 1_000) {
          const part = [args[0] as number, ...args.slice(from, from + 1_000)];
          await link.run(recoverCall, [keys.queue(queue)], part);
        }
        watch.stir(queue);
      }
      if (dead.length > 1) {
        log.info(`${(dead.length - 1) / 2} tasks of queue "${queue}" wait again: whoever had them is gone.`);
      }
    } catch (error) {
      // It is done again when the connection is there again; and a lease ends by itself.
      if (!isPassing(error)) log.warn(`Leases of queue "${queue}" could not be read: ${messageOf(error)}`);
    }
  }

  function isGone(owner: string): boolean {
    return gone.some((name) => owner.startsWith(name)) || isHolderDead(owner, host);
  }

  return {
    async add(queues) {
      for (const queue of queues) tended.set(queue, (tended.get(queue) ?? 0) + 1);
      schedule();
      await surveyed;
    },
    remove(queues) {
      for (const queue of queues) {
        const left = (tended.get(queue) ?? 1) - 1;
        if (left === 0) tended.delete(queue);
        else tended.set(queue, left);
      }
      if (tended.size > 0) return;
      timer?.cancel();
      timer = undefined;
    },
    dueAt(queue, at) {
      if (!tended.has(queue)) return;
      noteDue(at);
      schedule();
    },
    abandon(claim) {
      abandoned.add(claim);
    },
    async recover(owners) {
      gone.push(...owners);
      await surveyAll();
    },
    onBeat(callback) {
      beats.add(callback);
      return () => beats.delete(callback);
    },
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}

type Tended = [due: Buffer, pending: number, recovered: number, wrong?: Buffer];

const tendCall = script(tendScript);
const ownersCall = script(ownersScript);
const recoverCall = script(recoverScript);
const beatMs = 1_000;
/** The timers of the runtimes may be early by a part of a millisecond: who asked then would have to ask again. */
const earlyMs = 2;
/** Tasks that are due one after the other are let go together. */
const leastGap = 5;
