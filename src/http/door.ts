import type { Answer, NativeInfo, SocketOwner } from "../runtime/runtime.ts";
import type { Intake, IntakeHeld } from "../service/intake.ts";
import type { Scope } from "../service/scope.ts";
import type { Port } from "./exchanges.ts";
import type { Flow, FlowOptions } from "./flow.ts";
import { createFlow } from "./flow.ts";
import { notReady, withHeader } from "./reply.ts";

/** Where the requests of one service go in, whichever generation is behind it; 503 while there is none. */
export interface Door extends Intake {
  readonly service: string;
  handle(request: Request, info: NativeInfo): Answer | Promise<Answer>;
  call(request: Request): Promise<Response>;
  /** Who answers for a WebSocket that was opened in `scope`, when the scope is of this door. */
  ownerOf(scope: Scope): SocketOwner | undefined;
  /** Called now and then, several times within the idle timeout: see `Flow.holdRunning`. */
  holdRunning(): void;
  /** The address that leads here is bound. */
  attach(entrance: Entrance): void;
}

/** What a listener is to one of its doors. */
export interface Entrance extends Port {
  /** The door will not open again. */
  release(): void;
  /** Cuts what can only be cut with the whole listener, when all its doors are released. */
  cut(): void;
}

export interface DoorOptions extends Omit<FlowOptions, "port" | "isClosing"> {
  /** Whether an address will lead here. */
  readonly hasAddress: boolean;
  /** The group is stopping. */
  readonly isStopping: () => boolean;
}

const nothing: IntakeHeld = { requests: 0, streams: 0, websockets: 0 };

export function createDoor(options: DoorOptions): Door {
  const { service, isStopping } = options;
  let entrance: Entrance | undefined;
  /** Takes the requests. */
  let open: Flow | undefined;
  /** The newest generation, drained or not. */
  let newest: Flow | undefined;
  let isFinal = false;

  const isClosing = () => isFinal || isStopping();
  function refuse(): Response {
    return isClosing() ? withHeader(notReady(service), "connection", "close") : notReady(service);
  }
  return {
    service,
    needsFetch: options.hasAddress,
    handle: (request, info) => (open ? open.handle(request, info) : refuse()),
    call: (request) => (open ? open.call(request) : Promise.resolve(notReady(service))),
    ownerOf: (scope) => (newest?.scope === scope ? newest.socketOwner() : undefined),
    holdRunning: () => newest?.holdRunning(),
    attach(bound) {
      entrance = bound;
    },
    open(target) {
      newest = createFlow({ ...options, port: entrance, isClosing }, target);
      open = newest;
    },
    // Not ready is told by readiness; a request that comes all the same is still answered.
    quiet() {},
    async drain({ final }) {
      open = undefined;
      isFinal ||= final;
      if (final) entrance?.release();
      await newest?.drain();
      if (final && newest?.cutStreams) entrance?.cut();
    },
    cut() {
      open = undefined;
      newest?.cut();
      entrance?.cut();
    },
    held: () => newest?.held() ?? nothing,
    get cutStreams() {
      return newest?.cutStreams ?? 0;
    },
  };
}
