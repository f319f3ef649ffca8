import { SupervisorError } from "../core/errors.ts";
import { parseMoment } from "../core/moment.ts";
import type { TaskSelection } from "../core/queue-command.ts";
import type { TaskState } from "../core/task.ts";

export interface FilterOptions {
  readonly queue?: string;
  readonly state?: TaskState;
  readonly type?: string;
  readonly since?: string;
  readonly error?: string;
}

/** Which tasks a command line is about; `ids` are its positional arguments. @throws SupervisorError USAGE */
export function selectionOf(ids: readonly string[], options: FilterOptions, now: number): TaskSelection {
  const { queue, state, type, since, error } = options;
  return {
    ...(queue === undefined ? {} : { queue }),
    filter: {
      ...(ids.length === 0 ? {} : { ids }),
      ...(state === undefined ? {} : { state }),
      ...(type === undefined ? {} : { type }),
      ...(since === undefined ? {} : { since: sinceOf(since, now) }),
      // The tilde says that it is a part of the text, as people know it from awk; it is one without, too.
      ...(error === undefined ? {} : { error: error.replace(/^~(?=.)/, "") }),
    },
  };
}

/** Whether nothing says which tasks are meant. */
export function meansAll({ queue, filter }: TaskSelection): boolean {
  return queue === undefined && Object.keys(filter).length === 0;
}

function sinceOf(text: string, now: number): number {
  const time = parseMoment(text, now, "ago");
  if (time !== undefined) return time;
  throw new SupervisorError(
    "USAGE",
    `--since cannot be "${text}"`,
    "Write how long ago, like 1h, or a date like 2026-11-21T10:00:00Z.",
  );
}
