import type { Follower, NativeInfo, NativeServer } from "../runtime/runtime.ts";
import type { Port } from "./exchanges.ts";

/** Tells the generations of one service apart while several of them have requests in flight. */
export interface Overlap {
  /** A port for one more generation on `native`. */
  join(native: NativeServer, follower: Follower): OverlapPort;
}

export interface OverlapPort extends Port {
  /** Whether every request has to be told, because the native server counts only the sum of all generations. */
  readonly isTracked: boolean;
  track(request: Request, info: NativeInfo): void;
  /** Nothing of this generation is left. Returns whether another one need not be tracked any more. */
  leave(): boolean;
}

/**
 * A native server that counts its requests as a whole is enough for one generation, and costs nothing. Only
 * while an older one has work, the requests of younger ones are listed one by one: the older one's are the rest.
 */
export function createOverlap(): Overlap {
  const members: Member[] = [];
  return {
    join(native, follower) {
      const member = new Member(members, native, follower);
      members.push(member);
      return member;
    },
  };
}

class Member implements OverlapPort {
  readonly native: NativeServer;
  readonly follower: Follower;
  /** Undefined: whatever the server counts, and no other generation has listed, belongs to this one. */
  #listed: Listed[] | undefined;
  readonly #all: Member[];

  constructor(all: Member[], native: NativeServer, follower: Follower) {
    this.#all = all;
    this.native = native;
    const isAlone = all.every((other) => other.native !== native);
    this.#listed = follower.countsServer && !isAlone ? [] : undefined;
    this.follower = follower.countsServer
      ? { countsServer: true, add() {}, open: (running) => this.#open(running, follower) }
      : follower;
  }

  get isTracked(): boolean {
    return this.#listed !== undefined;
  }

  track(request: Request, info: NativeInfo): void {
    this.#listed?.push({ request, isWritten: this.native.watch(request, info) });
  }

  leave(): boolean {
    this.#all.splice(this.#all.indexOf(this), 1);
    const heir = this.isTracked ? undefined : this.#all.find((other) => other.native === this.native);
    // What the server counts from now on is no business of this one.
    this.#listed = [];
    if (!heir?.isTracked) return false;
    heir.#listed = undefined;
    return true;
  }

  #open(running: Iterable<Request>, server: Follower): number {
    if (!this.#listed) return server.open([...running, ...this.#ofOthers()]);
    const unanswered = new Set(running);
    return this.#unwritten().filter((request) => !unanswered.has(request)).length;
  }

  #ofOthers(): Request[] {
    return this.#all.flatMap((other) =>
      other === this || other.native !== this.native ? [] : other.#unwritten(),
    );
  }

  #unwritten(): Request[] {
    this.#listed = this.#listed?.filter(({ isWritten }) => !isWritten());
    return (this.#listed ?? []).map(({ request }) => request);
  }
}

interface Listed {
  readonly request: Request;
  readonly isWritten: () => boolean;
}
