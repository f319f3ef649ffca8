import type { Clock } from "../../../core/clock.ts";
import type { Link } from "./link.ts";
import type { Tending } from "./tending.ts";
import type { Times } from "./time.ts";
import type { Watch } from "./watch.ts";

/** What a receiver shares with the others of its driver. */
export interface ReceiverParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly random: () => number;
  readonly times: Times;
  readonly watch: Watch;
  readonly tending: Tending;
  readonly owner: string;
  /** Begins the `owner` field of the tasks it claims. */
  readonly holder: string;
  /** Which receiver of the driver it is. */
  readonly number: number;
  /** Resolves when cancellations are heard; nothing is received before. */
  readonly prepared: Promise<unknown>;
}
