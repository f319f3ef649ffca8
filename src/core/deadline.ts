import type { Clock } from "./clock.ts";

export type Outcome<T> =
  | { readonly tag: "done"; readonly value: T }
  | { readonly tag: "failed"; readonly error: unknown }
  | { readonly tag: "late" };

/**
 * Waits for `work` at most until `at` (clock time). Never rejects, leaves no timer behind, and leaves no
 * unhandled rejection when `work` fails after its deadline.
 */
export function within<T>(clock: Clock, at: number, work: PromiseLike<T>): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const cancel = clock.after(Math.max(0, at - clock.now()), () => resolve({ tag: "late" }));
    work.then(
      (value) => {
        cancel();
        resolve({ tag: "done", value });
      },
      (error) => {
        cancel();
        resolve({ tag: "failed", error });
      },
    );
  });
}
