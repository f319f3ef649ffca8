import type { RequestEnv } from "../service/contract.ts";
import type { Intake, IntakeEnv, IntakeTarget } from "../service/intake.ts";
import type { FetchServerOptions } from "./fetch-server.ts";

/** The intake in a thread: main decides what comes and counts it, so there is little left to do. */
export interface ThreadIntake extends Intake {
  readonly serve: FetchServerOptions["serve"];
  /** Whether the service has opened it. */
  readonly isOpen: boolean;
  /** Main says that everything in flight has ended. */
  drained(): void;
}

export function createThreadIntake(needsFetch: boolean): ThreadIntake {
  let target: IntakeTarget | undefined;
  const drained = Promise.withResolvers<void>();
  return {
    needsFetch,
    serve(request, env: RequestEnv) {
      if (!target?.fetch) throw new Error("The service in this thread takes no requests");
      return target.fetch(request, env as IntakeEnv);
    },
    get isOpen() {
      return target !== undefined;
    },
    drained: drained.resolve,
    open(opened) {
      target = opened;
      return {
        drain: () => drained.promise,
        cut() {},
        held: () => ({ requests: 0, streams: 0, websockets: 0 }),
        cutStreams: 0,
      };
    },
    quiet() {},
    pause() {},
    resume() {},
    close() {},
  };
}
