import { readFileSync } from "node:fs";
import { sleep, systemClock } from "../core/clock.ts";
import type { Sending } from "./runtime.ts";

/** How often it is looked; what a client takes is followed at once by more while there is more. */
const lookMs = 25;
const blindMs = 1_000;

/**
 * By what the kernel still has to hand over: Deno resolves `info.completed` when an answer was taken from the handler, and
 * `shutdown()` waits for clients that never end their request, too. `port`: undefined for a socket that has none.
 */
export function sendingFrom(port: number | undefined): Sending {
  return {
    left: () => unsentAt(port) ?? 1,
    async ended(isOver) {
      const end = systemClock.now() + blindMs;
      for (let quiet = 0; quiet < 2 && !isOver(); ) {
        await sleep(systemClock, lookMs);
        const unsent = unsentAt(port);
        if (unsent === undefined ? systemClock.now() >= end : unsent === 0) quiet++;
        else quiet = 0;
      }
    },
  };
}

/** Connections of that port with bytes that their clients have not taken; undefined without Linux's tables. */
function unsentAt(port: number | undefined): number | undefined {
  if (port === undefined) return undefined;
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  try {
    const rows = ["tcp", "tcp6"].flatMap((table) =>
      readFileSync(`/proc/self/net/${table}`, "utf8").split("\n"),
    );
    return rows.filter((row) => {
      const [, local = "", , state, queues = ""] = row.trim().split(/\s+/);
      return local.endsWith(suffix) && state !== listening && Number.parseInt(queues, 16) > 0;
    }).length;
  } catch {
    // No such tables here.
    return undefined;
  }
}

const listening = "0A";
