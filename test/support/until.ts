/** Repeats `ask` until its answer is `enough`, for five seconds at most by default; resolves with the last answer. */
export async function until<T>(
  ask: () => Promise<T>,
  enough: (answer: T) => boolean,
  mostMs = 5_000,
): Promise<T> {
  const end = performance.now() + mostMs;
  for (;;) {
    const answer = await ask();
    if (enough(answer) || performance.now() > end) return answer;
    await Bun.sleep(20);
  }
}
