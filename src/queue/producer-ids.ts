import { getRandomValues } from "node:crypto";

const counterLimit = 0x1000;
const poolWords = 2_048;

/**
 * Makes task ids: UUIDs of version 7, each greater than the one before, also within a millisecond and when the wall
 * clock steps back. Randomness is drawn in bulk, because one system call for each id would cost more than all the rest.
 */
export function createTaskIds(
  wall: () => number,
  fill: (words: Uint32Array<ArrayBuffer>) => unknown = getRandomValues,
): () => string {
  const pool = new Uint32Array(poolWords);
  let used = poolWords;
  let stamp = 0;
  let prefix = "";
  let counter = 0;

  function word(): number {
    if (used === poolWords) {
      fill(pool);
      used = 0;
    }
    return pool[used++] as number;
  }

  function nextMillisecond(at: number): void {
    stamp = at;
    const hex = at.toString(16).padStart(12, "0");
    prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    // Half of the range is left to count up in, so that two processes seldom meet in it.
    counter = word() % (counterLimit / 2);
  }

  return () => {
    const now = wall();
    if (now > stamp) nextMillisecond(now);
    else if (++counter === counterLimit) nextMillisecond(stamp + 1);
    // The two highest bits of the last half are the variant: 10.
    const high = (0x8000_0000 | (word() & 0x3fff_ffff)) >>> 0;
    const highHex = high.toString(16);
    const low = word().toString(16).padStart(8, "0");
    return `${prefix}${counter.toString(16).padStart(3, "0")}-${highHex.slice(0, 4)}-${highHex.slice(4)}${low}`;
  };
}
