import type { Answer, NativeInfo, NativeServer, Runtime, SocketOwner, Upgrade } from "../runtime/runtime.ts";

/** The place that a request came in at. */
export interface Origin {
  readonly runtime: Runtime;
  /** Undefined for calls within the process. */
  readonly native: NativeServer | undefined;
  /** `opened` is told when an upgrade has succeeded. */
  socketOwner(opened: () => void): SocketOwner;
}

/** What has to be remembered of one request: its handler takes its time, or something unusual happened. */
export class Exchange {
  readonly request: Request;
  /** Undefined for a call within the process. */
  readonly info: NativeInfo;
  /** Undefined until the service has asked for it. */
  requestId: string | undefined = undefined;
  /** The WebSocket that the request has become. */
  upgrade: Pick<Upgrade, "answer" | "begin" | "fail"> | undefined = undefined;
  /** Its body was longer than the limit, which showed while the service read it. */
  overflowed = false;
  /** Its connection is not cut for lack of traffic. */
  isHeld = false;
  /** Aborts the signal that the service sees, where a request has a time limit. */
  aborter: AbortController | undefined = undefined;
  cancelTimer: (() => void) | undefined = undefined;
  /** Gives the answer, once the handler has shown to be asynchronous. */
  resolve: ((answer: Answer) => void) | undefined = undefined;
  /** Neighbours in a `RunningList`. */
  previous: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;

  constructor(request: Request, info: NativeInfo) {
    this.request = request;
    this.info = info;
  }
}

/** Exchanges whose handler has not answered, linked through themselves: a Set costs three times as much. */
export class RunningList {
  #first: Exchange | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(exchange: Exchange): void {
    exchange.next = this.#first;
    if (this.#first) this.#first.previous = exchange;
    this.#first = exchange;
    this.#size++;
  }

  /** Only for an exchange that is in this list. */
  remove(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    exchange.previous = undefined;
    exchange.next = undefined;
    this.#size--;
  }

  /** The list as it is now; the caller may remove what it meets. */
  snapshot(): Exchange[] {
    const exchanges: Exchange[] = [];
    for (let exchange = this.#first; exchange; exchange = exchange.next) exchanges.push(exchange);
    return exchanges;
  }
}
