import { withMark } from "../core/beacon.ts";
import type { Ended } from "../core/report.ts";
import type { SocketOwner } from "../runtime/runtime.ts";
import type { IntakeHeld, IntakeTarget } from "../service/intake.ts";
import type { Scope } from "../service/scope.ts";
import { scopes } from "../service/scope.ts";
import type { Exchanges, ExchangesOptions } from "./exchanges.ts";
import { createExchanges } from "./exchanges.ts";
import { createOpenEnds } from "./open-ends.ts";

export interface FlowOptions extends Omit<ExchangesOptions, "ends" | "socketOwner" | "settled"> {
  /** Milliseconds that streams and WebSockets have to end once they are told. */
  readonly streamsTimeout: number;
}

/** Everything in flight of one generation of a service. */
export interface Flow extends Pick<Exchanges, "handle" | "call" | "holdRunning" | "isUploading"> {
  readonly scope: Scope;
  /** Who answers for a WebSocket that the service has opened behind our back. */
  socketOwner(): SocketOwner;
  held(): IntakeHeld;
  /** Resolves when nothing is in flight, or all of it was cut; never rejects. */
  drain(): Promise<void>;
  cut(): void;
  /** Streams and WebSockets that did not end when they were told. */
  readonly cutStreams: number;
  /** How many were told. */
  readonly ended: Ended;
}

/** How often a drain asks the native server what it still has to write. */
const pollMs = 5;

export function createFlow(options: FlowOptions, target: IntakeTarget): Flow {
  const { beacon, clock, port, streamsTimeout } = options;
  const { scope } = target;
  const enter = <T>(work: () => T): T => scopes.run(scope, () => withMark(beacon, scope.beacon, work));
  const ends = createOpenEnds({ clock, enter });
  let changed = () => {};
  const exchanges = createExchanges({ ...options, ends, socketOwner, settled: () => changed() }, target);
  let isCut = false;
  let cutStreams = 0;

  function socketOwner(opened: () => void = () => {}): SocketOwner {
    return {
      handlers: target.websocket,
      enter,
      opened(socket) {
        opened();
        ends.opened(socket);
      },
      closed(socket) {
        ends.closed(socket);
        changed();
      },
    };
  }
  function held(): IntakeHeld {
    const { streams, websockets } = ends;
    const open = port ? port.follower.open(exchanges.fromNetwork()) - ends.unwritten() : 0;
    return { requests: exchanges.running + Math.max(0, open), streams, websockets };
  }
  function isIdle(): boolean {
    const { requests, streams, websockets } = held();
    return isCut || requests + streams + websockets === 0;
  }
  /** Resolves when a handler has answered or a socket has closed, and in `pollMs` at the latest. */
  function change(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(pollMs, resolve);
      changed = () => {
        cancel();
        resolve();
      };
    });
  }
  return {
    handle: exchanges.handle,
    call: exchanges.call,
    holdRunning: exchanges.holdRunning,
    isUploading: exchanges.isUploading,
    scope,
    socketOwner,
    held,
    async drain() {
      if (isIdle()) return;
      ends.end();
      const cancel = clock.after(streamsTimeout, () => {
        cutStreams += ends.cut();
      });
      while (!isIdle()) await change();
      cancel();
    },
    cut() {
      isCut = true;
      exchanges.cut();
      ends.cut();
      changed();
    },
    get cutStreams() {
      return cutStreams;
    },
    ended: ends.ended,
  };
}
