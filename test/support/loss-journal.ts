import { existsSync, readFileSync } from "node:fs";

/** One line that fixtures/loss-consumer.ts wrote. */
export interface JournalEntry {
  /** `b`: the handler began; `e`: its effect, which comes before the message is settled. */
  readonly mark: "b" | "e";
  readonly id: string;
  /** "-" without. */
  readonly key: string;
  readonly attempt: number;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A process that had consumed until it ended, and what it had claimed and not settled then. */
export interface Life {
  readonly pid: number;
  readonly unsettled: ReadonlySet<string>;
}

export interface Verdict {
  /** Messages without an effect. */
  readonly lost: readonly string[];
  /** Effects beyond one for each message. */
  readonly duplicates: number;
  /** Of those the ones that nothing excuses: what came before them was settled, or had not ended. */
  readonly unexplained: readonly string[];
}

/** All that was written so far, in the order in which it was; without a last line that is not complete yet. */
export function readJournal(file: string): JournalEntry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [mark, id = "", key = "", attempt, pid, at] = line.split(" ");
    return { mark: mark as "b" | "e", id, key, attempt: Number(attempt), pid: Number(pid), at: Number(at) };
  });
}

export function effectsOf(journal: readonly JournalEntry[]): Map<string, JournalEntry[]> {
  const effects = new Map<string, JournalEntry[]>();
  for (const entry of journal) {
    if (entry.mark !== "e") continue;
    const known = effects.get(entry.id);
    if (known) known.push(entry);
    else effects.set(entry.id, [entry]);
  }
  return effects;
}

/**
 * A message may have an effect again only if the process of the effect before has ended since with the message in its
 * hands. `lives` are those that were killed.
 */
export function judge(
  ids: readonly string[],
  journal: readonly JournalEntry[],
  lives: readonly Life[],
): Verdict {
  const effects = effectsOf(journal);
  const unsettled = new Map(lives.map(({ pid, unsettled }) => [pid, unsettled]));
  const unexplained: string[] = [];
  let duplicates = 0;
  for (const [id, entries] of effects) {
    duplicates += entries.length - 1;
    entries.slice(0, -1).forEach(({ pid }, index) => {
      const isSame = entries[index + 1]?.pid === pid;
      if (isSame || !unsettled.get(pid)?.has(id)) unexplained.push(id);
    });
  }
  return { lost: ids.filter((id) => !effects.has(id)), duplicates, unexplained };
}
