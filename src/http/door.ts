import type { Answer, NativeInfo, NativeServer, SocketOwner } from "../runtime/runtime.ts";
import type { Intake, Lease } from "../service/intake.ts";
import type { Scope } from "../service/scope.ts";
import { createDeparture } from "./departure.ts";
import type { Flow, FlowOptions } from "./flow.ts";
import { createFlow } from "./flow.ts";
import type { OverlapPort } from "./overlap.ts";
import { createOverlap } from "./overlap.ts";
import { notReady, paused, withHeader } from "./reply.ts";
import { createWaitingRoom } from "./waiting-room.ts";

/**
 * Where the requests of one service go in, whichever generation is behind it; 503 while there is none. On an inherited
 * address they wait for the first one instead: a restart of the process must refuse nobody.
 */
export interface Door extends Intake {
  readonly service: string;
  handle(request: Request, info: NativeInfo): Answer | Promise<Answer>;
  call(request: Request): Promise<Response>;
  /** Whether a generation is behind it, paused or not. */
  readonly isOpen: boolean;
  /** Who answers for a WebSocket that was opened in `scope`, when the scope is of this door. */
  ownerOf(scope: Scope): SocketOwner | undefined;
  /** Called now and then, several times within the idle timeout: see `Flow.holdRunning`. */
  holdRunning(): void;
  /** The address that leads here is bound; undefined: none does any more. */
  attach(entrance: Entrance | undefined): void;
  /** What holds for generations from the next one on. */
  configure(settings: DoorSettings): void;
  /** The first start has come to nothing, or the group stops: whoever waits for it is refused, and nobody waits from now on. */
  dismiss(): void;
  /** Cuts all generations. */
  cut(): void;
}

export interface DoorSettings extends Pick<FlowOptions, "limits"> {
  /** Whether an address will lead here. */
  readonly hasAddress: boolean;
}

/** What a listener is to one of its doors. */
export interface Entrance {
  readonly native: NativeServer;
  /** Whether no other door is behind the address. */
  readonly isExclusive: boolean;
  /** Whether the address was there before this process, so that its clients know of no restart. */
  readonly isInherited: boolean;
  /** The door will not open again. Resolves when the listener, if no door needs it any more, has written all it had. */
  release(): Promise<void>;
  /** Cuts what can only be cut with the whole listener, when all its doors are released. */
  cut(): void;
}

export interface DoorOptions extends Omit<FlowOptions, "port" | "isClosing">, DoorSettings {
  /** The group is stopping. */
  readonly isStopping: () => boolean;
}

export function createDoor(options: DoorOptions): Door {
  const { service, isStopping } = options;
  const overlap = createOverlap();
  let settings: DoorSettings = options;
  let entrance: Entrance | undefined;
  /** Takes the requests: the one thing that a request looks at. */
  let taking: Pick<Flow, "handle" | "call"> | undefined;
  /** Generations that may take requests, the newest last. */
  let open: Generation[] = [];
  /** Those and the ones that drain. */
  const generations = new Set<Generation>();
  const room = createWaitingRoom();
  /** No generation has been behind it yet, and none has failed. */
  let isAwaited = true;
  let isPaused = false;
  let isFinal = false;

  const isClosing = () => isFinal || isStopping();
  function turn(): void {
    const newest = isPaused ? undefined : open.at(-1);
    taking = newest?.port?.isTracked ? tracked(newest.flow, newest.port) : newest?.flow;
  }
  function shut(generation: Generation): void {
    open = open.filter((other) => other !== generation);
    turn();
  }
  function refuse(): Response {
    const response = isPaused && open.length > 0 ? paused(service) : notReady(service);
    return isClosing() ? withHeader(response, "connection", "close") : response;
  }
  function waitOrRefuse(request: Request, info: NativeInfo): Answer | Promise<Answer> {
    if (isAwaited && entrance?.isInherited && !isClosing()) return room.admit(request, info, entrance.native);
    return refuse();
  }
  /** Nobody waits from now on; whoever has waited goes in, or is refused. */
  function dismiss(): void {
    isAwaited = false;
    room.empty((request, info) => (taking ? taking.handle(request, info) : refuse()));
  }
  function end(): void {
    isFinal = true;
    dismiss();
  }
  async function release(): Promise<void> {
    await entrance?.release();
  }
  function leaseOf(generation: Generation): Lease {
    const { flow, port, from } = generation;
    const departure = createDeparture({
      flow,
      sending: from?.native.sending,
      isUploading: () => [...generations].some((each) => each.flow.isUploading()),
      release,
    });
    return {
      async drain({ final }) {
        shut(generation);
        if (final) end();
        await (final ? departure : flow).drain();
        generations.delete(generation);
        if (port?.leave()) turn();
        if (final && flow.cutStreams > 0) from?.cut();
      },
      cut() {
        shut(generation);
        departure.cut();
        if (isFinal) from?.cut();
      },
      held: departure.held,
      get cutStreams() {
        return flow.cutStreams;
      },
      ended: flow.ended,
    };
  }
  return {
    service,
    get needsFetch() {
      return settings.hasAddress;
    },
    handle: (request, info) => (taking ? taking.handle(request, info) : waitOrRefuse(request, info)),
    call: (request) => (taking ? taking.call(request) : Promise.resolve(refuse())),
    get isOpen() {
      return open.length > 0;
    },
    ownerOf(scope) {
      for (const { flow } of generations) if (flow.scope === scope) return flow.socketOwner();
      return undefined;
    },
    holdRunning() {
      for (const { flow } of generations) flow.holdRunning();
    },
    attach(bound) {
      entrance = bound;
    },
    configure(changed) {
      settings = changed;
    },
    open(target) {
      const from = entrance;
      const port = from && overlap.join(from.native, from.native.follow(from.isExclusive));
      const { limits } = settings;
      const generation = { flow: createFlow({ ...options, limits, port, isClosing }, target), port, from };
      generations.add(generation);
      open.push(generation);
      turn();
      dismiss();
      return leaseOf(generation);
    },
    // Not ready is told by readiness; a request that comes all the same is still answered.
    quiet() {},
    pause() {
      isPaused = true;
      turn();
    },
    resume() {
      isPaused = false;
      turn();
    },
    close() {
      end();
      void release();
    },
    dismiss,
    cut() {
      open = [];
      turn();
      dismiss();
      for (const { flow } of generations) flow.cut();
      entrance?.cut();
    },
  };
}

interface Generation {
  readonly flow: Flow;
  readonly port: OverlapPort | undefined;
  readonly from: Entrance | undefined;
}

function tracked({ handle, call }: Flow, port: OverlapPort): Pick<Flow, "handle" | "call"> {
  return {
    handle(request, info) {
      port.track(request, info);
      return handle(request, info);
    },
    call,
  };
}
