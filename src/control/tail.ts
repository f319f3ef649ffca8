/** A stream of lines that a client reads as fast as it likes. */
export interface Tail {
  readonly stream: ReadableStream<Uint8Array>;
  /** Ends the stream after what waits now. */
  end(): void;
}

export interface TailOptions {
  /** What the client gets first; every line ends with a line feed. */
  readonly first: readonly string[];
  /** Begins to deliver what comes, and returns how to stop. */
  readonly follow: (push: (line: string) => void) => () => void;
  /** Called once, when the client has gone or the stream has ended. */
  readonly closed?: () => void;
  /** Lines and characters that wait for a slow client; older ones are dropped, and their number is told. */
  readonly most?: { readonly lines: number; readonly characters: number };
}

const defaultMost = { lines: 1_000, characters: 256 * 1_024 };
/** Milliseconds without a line after which an empty one is sent: so clients that are gone are noticed. */
const idleMs = 10_000;
const encoder = new TextEncoder();

export function createTail(options: TailOptions): Tail {
  const { most = defaultMost } = options;
  let waiting = [...options.first];
  let characters = lengthOf(waiting);
  let dropped = 0;
  let ended = false;
  let wanted: (() => void) | undefined;
  let unfollow = () => {};
  let heartbeat: ReturnType<typeof setInterval> | undefined;

  function push(line: string): void {
    waiting.push(line);
    characters += line.length;
    let surplus = 0;
    while (
      waiting.length - surplus > most.lines ||
      (characters > most.characters && waiting.length - surplus > 1)
    ) {
      characters -= (waiting[surplus] as string).length;
      surplus += 1;
    }
    if (surplus > 0) waiting.splice(0, surplus);
    dropped += surplus;
    wanted?.();
  }

  function release(): void {
    if (ended) return;
    ended = true;
    clearInterval(heartbeat);
    unfollow();
    options.closed?.();
  }

  function take(): Uint8Array {
    const note = dropped > 0 ? `${JSON.stringify({ type: "dropped", count: dropped })}\n` : "";
    const text = note + waiting.join("");
    waiting = [];
    characters = dropped = 0;
    return encoder.encode(text);
  }

  const stream = new ReadableStream<Uint8Array>(
    {
      start() {
        unfollow = options.follow(push);
        heartbeat = setInterval(() => waiting.length === 0 && wanted && push("\n"), idleMs);
      },
      pull(controller) {
        const deliver = () => {
          wanted = undefined;
          if (waiting.length > 0) controller.enqueue(take());
          else controller.close();
        };
        if (waiting.length > 0 || ended) return deliver();
        return new Promise((resolve) => {
          wanted = () => resolve(deliver());
        });
      },
      cancel() {
        wanted = undefined;
        release();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    end() {
      release();
      wanted?.();
    },
  };
}

function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0);
}
