import type { StepResult } from "./command.ts";
import type { DependencyCondition } from "./plan.ts";
import type { Problem } from "./problem.ts";
import type { Held, ServiceStop, StopCause, StopReport } from "./report.ts";
import type { ServiceSnapshot, ServiceState } from "./snapshot.ts";

/** Everything that happens, as values. Logs, health, metrics and the operator's plane only listen. */
export type SupervisorEvent =
  /** A service went from one state to another, or (`from` is its state) something else in its `snapshot` is new. */
  | { readonly type: "serviceChanged"; readonly from: string; readonly snapshot: ServiceSnapshot }
  /** A generation failed; what follows is in the next `serviceChanged`. */
  | {
      readonly type: "serviceFailed";
      readonly service: string;
      readonly generation: number;
      readonly error: unknown;
    }
  /** A generation that failed did not stop in time: the service goes on without waiting for its end. */
  | {
      readonly type: "generationAbandoned";
      readonly service: string;
      readonly generation: number;
      readonly held: Held;
      readonly allowedMs: number;
    }
  /** The new generation serves; the old one ends now. `durationMs` counts from the wish to the switch. */
  | {
      readonly type: "serviceReplaced";
      readonly service: string;
      readonly from: number;
      readonly to: number;
      readonly durationMs: number;
    }
  /** `generation` never became ready; the one before it goes on as if nothing had been. */
  | {
      readonly type: "serviceReplaceFailed";
      readonly service: string;
      readonly generation: number;
      readonly error: unknown;
    }
  /** services.yaml was read again and applied, whether or not every step went well. */
  | { readonly type: "reloaded"; readonly changes: readonly StepResult[] }
  /** services.yaml was read again, and nothing was changed. */
  | { readonly type: "reloadFailed"; readonly problems: readonly Problem[] }
  /** These services have waited for a while for their turn to start. Each is told once for each time that it waits. */
  | { readonly type: "servicesWaiting"; readonly waits: readonly Wait[] }
  /**
   * An error nobody caught, of a service whose code goes on although its generation has ended (undefined: nobody knows
   * which, but none runs). It fails nobody.
   */
  | {
      readonly type: "errorLeftBehind";
      readonly service: string;
      readonly generation: number | undefined;
      readonly error: unknown;
    }
  /** An error nobody caught, and that no service could be blamed for. */
  | { readonly type: "errorUnattributed"; readonly error: unknown }
  | { readonly type: "groupStarting"; readonly services: number }
  /** Every service has been ready, has completed, or was given up for now; `unready` names the last kind. */
  | { readonly type: "groupReady"; readonly durationMs: number; readonly unready: readonly string[] }
  | { readonly type: "groupStopping"; readonly cause: StopCause; readonly budgetMs: number }
  /** One service has ended during the stop of the group. */
  | { readonly type: "serviceStopped"; readonly stop: ServiceStop }
  | { readonly type: "groupStopped"; readonly report: StopReport }
  /** A listener is bound; `url` is what a person can open. */
  | { readonly type: "listening"; readonly service?: string; readonly url: string };

/** A service that has not started, and what of others it needs first. */
export interface Wait {
  readonly service: string;
  readonly needs: readonly {
    readonly name: string;
    readonly condition: DependencyCondition;
    readonly state: ServiceState;
  }[];
}

export type Listener = (event: SupervisorEvent) => void;

export interface Events {
  emit(event: SupervisorEvent): void;
  /** Returns how to stop listening. */
  on(listener: Listener): () => void;
}

/** Calls every listener in order; one that throws harms neither the others nor the emitter. */
export function createEvents(): Events {
  const listeners = new Set<Listener>();
  return {
    emit(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch {
          // An observer's failure must never change what the group does.
        }
      }
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
