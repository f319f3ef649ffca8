import type { Clock } from "../core/clock.ts";
import type { Command, CommandResult } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { ApiError } from "./api-error.ts";
import type { FrozenLoop } from "./status.ts";

/** Commands on their way to main, and back. */
export interface PendingCommands {
  /**
   * Resolves with what main says; with undefined as soon as main has taken it when `wait` is false.
   *
   * @throws ApiError FROZEN when main does not take it, STILL_RUNNING when the end does not come within `timeoutMs`
   */
  send(
    command: Command,
    options: { readonly wait: boolean; readonly timeoutMs: number },
  ): Promise<CommandResult | undefined>;
  /** Main begins to carry it out. */
  accepted(id: number): void;
  finished(id: number, result: CommandResult): void;
}

export interface PendingOptions {
  readonly clock: Clock;
  /** `until` is in milliseconds since 1970: a command that main sees later is not carried out any more. */
  readonly post: (id: number, command: Command, until: number) => void;
  readonly frozen: () => FrozenLoop | undefined;
}

/** How long main may take to begin: longer than any garbage collection, shorter than people's patience. */
const acceptMs = 5_000;
/** Main and this thread look at their clocks at different times. */
const marginMs = 100;

interface Pending {
  accepted: boolean;
  readonly taken: () => void;
  readonly done: (result: CommandResult) => void;
}

export function createPending({ clock, post, frozen }: PendingOptions): PendingCommands {
  const pending = new Map<number, Pending>();
  let last = 0;

  return {
    send(command, { wait, timeoutMs }) {
      const id = ++last;
      const patience = Math.min(acceptMs, timeoutMs);
      return new Promise((resolve, reject) => {
        const settle = (end: () => void) => {
          cancelAccept();
          cancelTimeout();
          pending.delete(id);
          end();
        };
        const entry: Pending = {
          accepted: false,
          taken() {
            entry.accepted = true;
            if (!wait) settle(() => resolve(undefined));
          },
          done: (result) => settle(() => resolve(result)),
        };
        const cancelAccept = clock.after(patience + marginMs, () => {
          if (!entry.accepted) settle(() => reject(notTaken(frozen(), patience)));
        });
        const cancelTimeout = clock.after(timeoutMs + 2 * marginMs, () =>
          settle(() => reject(stillRunning(command, timeoutMs))),
        );
        pending.set(id, entry);
        post(id, command, clock.wall() + patience);
      });
    },
    accepted: (id) => pending.get(id)?.taken(),
    finished: (id, result) => pending.get(id)?.done(result),
  };
}

function notTaken(frozen: FrozenLoop | undefined, patienceMs: number): ApiError {
  const within = `the command was not taken within ${formatDuration(patienceMs)}, and is dropped`;
  return new ApiError(
    503,
    "FROZEN",
    frozen ? `${frozen.message}: ${within}` : `The event loop is busy: ${within}`,
    frozen
      ? "End the process with SIGTERM: its budget is kept even so; then mend the service, or give it isolation: worker."
      : "Try again, with a longer --timeout.",
  );
}

function stillRunning(command: Command, timeoutMs: number): ApiError {
  return new ApiError(
    504,
    "STILL_RUNNING",
    `The ${command.tag} has not ended within ${formatDuration(timeoutMs)}; it goes on`,
    "Look at it with: supervisor status; or wait longer: --timeout 5m.",
  );
}
