export interface EnqueueLoad {
  readonly asked: number;
  /** Ids that were answered 200. */
  readonly accepted: readonly string[];
  /** How often each other answer came; "none" is a request without one. */
  readonly refused: Readonly<Record<string, number>>;
  readonly isOver: boolean;
}

export interface EnqueueLoadOptions {
  /** @default 0 */
  readonly bytes?: number;
  /** It is over when this answer comes, too. */
  readonly endsWith?: string;
}

/** Eight clients of fixtures/loss-desk.ts, until `enough` tasks were accepted; for each task they ask once. */
export function enqueueLoad(url: string, enough: number, options: EnqueueLoadOptions = {}): EnqueueLoad {
  const { bytes = 0, endsWith } = options;
  const load = { asked: 0, accepted: [] as string[], refused: {} as Record<string, number>, isOver: false };
  async function ask(id: string): Promise<string | undefined> {
    try {
      const answer = await fetch(`${url}/?id=${id}&bytes=${bytes}`, { signal: AbortSignal.timeout(20_000) });
      const text = await answer.text();
      return answer.status === 200 ? undefined : text;
    } catch {
      // Nobody listens, or it was killed before it had answered.
      await Bun.sleep(5);
      return "none";
    }
  }
  async function client(): Promise<void> {
    while (load.accepted.length < enough && !(endsWith && load.refused[endsWith])) {
      const id = `n${load.asked++}`;
      const refusal = await ask(id);
      if (refusal === undefined) load.accepted.push(id);
      else load.refused[refusal] = (load.refused[refusal] ?? 0) + 1;
    }
  }
  void Promise.all(Array.from({ length: 8 }, client)).then(() => {
    load.isOver = true;
  });
  return load;
}
