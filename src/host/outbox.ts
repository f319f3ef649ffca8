// Taken before `scopeTimers` wraps it, where that comes later.
const { setImmediate } = globalThis;

/**
 * Posts messages over a port, as lists: all that one turn of the loop brings goes together at its end, because waking
 * the other thread costs more than copying a message. `urgent`: at once, with what waits, for what must not be lost
 * when the turn never ends.
 */
export function createOutbox<T>(
  post: (messages: readonly T[]) => void,
): (message: T, urgent?: boolean) => void {
  let waiting: T[] = [];

  function flush() {
    if (waiting.length === 0) return;
    const messages = waiting;
    waiting = [];
    post(messages);
  }
  return (message, urgent = false) => {
    if (waiting.push(message) === 1 && !urgent) setImmediate(flush);
    if (urgent) flush();
  };
}
