/** Runs what has the same name one after the other, in the order of the calls; different names at once. */
export type Turns = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return (name, work) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(work);
    const over = turn.then(forget, forget);
    last.set(name, over);
    function forget(): void {
      if (last.get(name) === over) last.delete(name);
    }
    return turn;
  };
}
