import type { Item } from "./item.ts";
import type { Said } from "./task-message.ts";
import { TaskMessage } from "./task-message.ts";

/** One attempt to handle one message. What the handler sees of it is `message`. */
export class Attempt {
  readonly item: Item;
  readonly message: TaskMessage;
  said: Said | undefined = undefined;
  readonly #progress: (item: Item, text: string) => Promise<void>;
  #aborter: AbortController | undefined = undefined;
  #reason: Error | undefined = undefined;
  /** The newest one that waits for the broker to have taken the one before. */
  #next: string | undefined = undefined;
  #isTelling = false;

  constructor(item: Item, progress: (item: Item, text: string) => Promise<void>) {
    this.item = item;
    this.#progress = progress;
    this.message = new TaskMessage(item, this);
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#reason && !this.#aborter.signal.aborted) this.#aborter.abort(this.#reason);
    return this.#aborter.signal;
  }

  /** Runs the listeners of the handler: call it as the service. The first reason stays. */
  abort(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#aborter?.abort(reason);
  }

  /** A handler that tells faster than the broker takes it is shown with what it said last. */
  tell(text: string): void {
    if (this.item.fenced) return;
    this.#next = text;
    if (!this.#isTelling) void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    for (let text = this.#next; text !== undefined && !this.item.fenced; text = this.#next) {
      this.#next = undefined;
      await this.#progress(this.item, text);
    }
    this.#isTelling = false;
  }
}
