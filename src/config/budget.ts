import { formatDuration } from "../core/duration.ts";
import type { Budget, LadderService } from "../core/ladder.ts";
import { closingTime, stopExcess } from "../core/ladder.ts";
import type { Draft } from "./draft.ts";
import type { Report } from "./findings.ts";
import { exactSpan } from "./locate.ts";
import type { MapNode, Span } from "./node.ts";

/** Reports deadlines that do not fit into `shutdown.timeout`. Needs a graph without cycles. */
export function checkBudget(drafts: readonly Draft[], shutdown: Budget, root: MapNode, report: Report): void {
  const services = drafts.map(({ name, settings }) => ({
    name,
    dependsOn: settings.depends_on,
    ...(settings.stop_timeout === undefined ? {} : { stopTimeout: settings.stop_timeout }),
  }));
  checkExcess(services, shutdown, (longest) => findBudget(root, longest), report);
}

/** The same of services that no file names; `find` tells where the budget is written, or the longest deadline. */
export function checkExcess(
  services: readonly LadderService[],
  shutdown: Budget,
  find: (longest: LadderService | undefined) => Span | undefined,
  report: Report,
): void {
  const excess = stopExcess(services, shutdown);
  if (excess === 0) return;
  const closing = closingTime(shutdown.timeout);
  const forServices = shutdown.timeout - shutdown.delay - closing + excess;
  const parts = [
    `${formatDuration(forServices)} for the services`,
    ...(shutdown.delay > 0 ? [`${formatDuration(shutdown.delay)} delay`] : []),
    `${formatDuration(closing)} to close`,
  ];
  const longest = [...services].sort((a, b) => (b.stopTimeout ?? 0) - (a.stopTimeout ?? 0));
  report(
    "BUDGET_EXCEEDED",
    find(longest[0]),
    `The stop deadlines add up to ${formatDuration(shutdown.timeout + excess)} (${parts.join(", ")}), ${formatDuration(excess)} more than shutdown.timeout, ${formatDuration(shutdown.timeout)}`,
    `${shorten(longest)}aise shutdown.timeout to ${formatDuration(enough(forServices + shutdown.delay))}.`,
  );
}

function findBudget(root: MapNode, longest: LadderService | undefined): Span | undefined {
  const budget = exactSpan(root, ["shutdown", "timeout"]);
  if (budget) return budget;
  if (longest?.stopTimeout === undefined) return exactSpan(root, ["services"]);
  return exactSpan(root, ["services", longest.name, "stop_timeout"]);
}

function shorten(longest: readonly LadderService[]): string {
  const some = longest.filter((service) => service.stopTimeout !== undefined).slice(0, 3);
  if (some.length === 0) return "R";
  const list = some.map(({ name, stopTimeout = 0 }) => `${name} (${formatDuration(stopTimeout)})`);
  return `Lower the stop_timeout of ${list.join(", ")}, or r`;
}

/** The smallest budget, in the steps that durations are shown in, that leaves `needed` after its own closing time. */
function enough(needed: number): number {
  const timeout = Math.ceil(needed / 0.95 / 100) * 100;
  if (closingTime(timeout) < 500) return timeout;
  const step = needed > 59_000 ? 1_000 : 100;
  return Math.ceil((needed + 500) / step) * step;
}
