import { longestDuration, parseDuration } from "../core/duration.ts";
import { PermanentError } from "../core/errors.ts";
import type { Duration, Message } from "../service/message.ts";
import type { Item } from "./item.ts";
import { bytesOfPayload, parsePayload, textOfPayload } from "./payload.ts";

/** What a handler has said about its message; the last word counts. */
export type Said =
  | { readonly tag: "ack"; readonly result: unknown }
  | {
      readonly tag: "retry";
      readonly delay: number | undefined;
      readonly error: unknown;
      readonly counts: boolean;
    }
  | { readonly tag: "dead"; readonly reason: unknown };

/** Where a message tells what its handler says. */
export interface Speaker {
  said: Said | undefined;
  readonly signal: AbortSignal;
  tell(progress: string): void;
}

/** The message as its handler sees it. Everything that costs is made when it is first asked for. */
export class TaskMessage implements Message {
  readonly #item: Item;
  readonly #attempt: Speaker;
  #data: unknown;
  #isParsed: boolean;

  constructor(item: Item, attempt: Speaker) {
    this.#item = item;
    this.#attempt = attempt;
    this.#data = item.parsed;
    this.#isParsed = item.parsed !== undefined;
  }

  get id(): string {
    return this.#item.delivery.id;
  }
  get queue(): string {
    return this.#item.delivery.queue;
  }
  get type(): string {
    return this.#item.delivery.type;
  }
  get data(): unknown {
    if (!this.#isParsed) {
      this.#data = this.#parse();
      this.#isParsed = true;
    }
    return this.#data;
  }
  get bytes(): Uint8Array {
    return bytesOfPayload(this.#item.delivery.payload);
  }
  get text(): string {
    return textOfPayload(this.#item.delivery.payload);
  }
  get headers(): Readonly<Record<string, string>> {
    return this.#item.delivery.headers;
  }
  get key(): string | undefined {
    return this.#item.key;
  }
  get attempt(): number {
    return this.#item.delivery.retried + 1;
  }
  get maxRetry(): number {
    return this.#item.delivery.maxRetry;
  }
  get enqueuedAt(): Date {
    return new Date(this.#item.delivery.enqueuedAt);
  }
  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  progress(value: unknown): void {
    const text = JSON.stringify(value);
    if (text !== undefined) this.#attempt.tell(text);
  }

  ack(result?: unknown): void {
    this.#attempt.said = { tag: "ack", result };
  }

  retry(options: { delay?: Duration; error?: unknown; counts?: boolean } = {}): void {
    const { delay, error, counts = true } = options;
    const delayMs = delay === undefined ? undefined : readDelay(delay);
    this.#attempt.said = { tag: "retry", delay: delayMs, error, counts };
  }

  dead(reason: unknown): void {
    this.#attempt.said = { tag: "dead", reason };
  }

  #parse(): unknown {
    try {
      return parsePayload(this.#item.delivery.payload);
    } catch (error) {
      throw new PermanentError(`The payload of task ${this.id} (${this.type}) is no JSON`, { cause: error });
    }
  }
}

function readDelay(delay: Duration): number {
  const ms = typeof delay === "number" ? delay : parseDuration(delay);
  if (ms !== undefined && ms >= 0 && ms <= longestDuration) return ms;
  throw new TypeError(
    `retry(): delay must be a duration like "30s" or milliseconds, ten years at most, not ${JSON.stringify(delay)}`,
  );
}
