import { isPermanent } from "../core/errors.ts";
import type { Member } from "./host.ts";
import type { FailureFacts, RestartHistory, Verdict } from "./restart.ts";
import { afterCompletion, afterFailure } from "./restart.ts";
import type { StopGoal } from "./state.ts";

/** What becomes of a generation that has ended for `goal`, and what is remembered of its service from then on. */
export function recoverFrom(
  goal: StopGoal,
  member: Member,
  history: RestartHistory,
  chance: () => Pick<FailureFacts, "now" | "random">,
): { history: RestartHistory; verdict: Verdict } {
  if (goal.tag === "stop") return { history, verdict: { tag: "giveUp" } };
  if (goal.tag === "complete") return { history, verdict: afterCompletion(member.restart) };
  return afterFailure(member.restart, history, {
    ...chance(),
    permanent: isPermanent(goal.error),
    critical: member.critical,
  });
}
