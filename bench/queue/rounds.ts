/** Samples of each contender, round by round: all of them took part in each round. */
export type Rounds<Name extends string, Sample> = Readonly<Record<Name, readonly Sample[]>>;

/**
 * Each contender once per round, in turns: whoever was last is first in the next. There is no round that does not count:
 * every sample is of a process of its own, which warms up by itself.
 */
export async function inTurns<Name extends string, Sample>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<Sample>>>,
): Promise<Rounds<Name, Sample>> {
  const names = Object.keys(contenders) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(await contenders[name]());
    names.reverse();
  }
  return samples;
}
