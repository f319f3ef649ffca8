import { textOf } from "./retry.ts";

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
