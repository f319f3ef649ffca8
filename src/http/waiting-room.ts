import type { Answer, NativeInfo, NativeServer } from "../runtime/runtime.ts";

/** Requests that wait for the first start of their service, as they would have in the kernel's queue. */
export interface WaitingRoom {
  /** Resolves with what `empty` has for it. Its connection is not cut for lack of traffic meanwhile. */
  admit(request: Request, info: NativeInfo, native: NativeServer): Promise<Answer>;
  /** Hands everybody to `answer`, first come first; whoever has gone away is forgotten. */
  empty(answer: (request: Request, info: NativeInfo) => Answer | Promise<Answer>): void;
}

export function createWaitingRoom(): WaitingRoom {
  const waiting = new Set<Waiting>();
  return {
    admit(request, info, native) {
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const entry: Waiting = { request, info, native, resolve };
      waiting.add(entry);
      native.hold(request, true);
      native.whenGone(request, info, () => {
        // Nobody reads it, but the runtime waits for one.
        if (waiting.delete(entry)) resolve(new Response(null, { status: 503 }));
      });
      return promise;
    },
    empty(answer) {
      const all = [...waiting];
      waiting.clear();
      for (const { request, info, native, resolve } of all) {
        native.hold(request, false);
        resolve(answer(request, info));
      }
    },
  };
}

interface Waiting {
  readonly request: Request;
  readonly info: NativeInfo;
  readonly native: NativeServer;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
}
