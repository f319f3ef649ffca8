import { textOf } from "./retry.ts";

/**
 * The longest pause before a broker is asked again, in milliseconds: a service is unhealthy until it has been, and
 * longer would keep it so when the broker is there again.
 */
export const longestPauseMs = 1_000;

/**
 * One answer out of several callers to whether a broker answers; `tell` hears of changes only.
 *
 * @example const voice = troubles(tell); voice("settle")(error); voice("settle")(undefined);
 */
export function troubles(
  tell: (reason: string | undefined) => void,
): (who: string) => (error: unknown) => void {
  const reasons = new Map<string, string>();
  return (who) => (error) => {
    const was = reasons.size > 0;
    if (error === undefined) reasons.delete(who);
    else reasons.set(who, textOf(error));
    const is = reasons.size > 0;
    if (is === was) return;
    const [first] = reasons.values();
    tell(first);
  };
}
