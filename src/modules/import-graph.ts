/** The local files that `entry` reaches through imports, itself among them; `importsOf` tells those of one file. */
export async function importGraph(
  entry: string,
  importsOf: (file: string) => Promise<readonly string[]>,
): Promise<Set<string>> {
  const files = new Set([entry]);
  // A set grows while it is walked through: each file has its turn, once.
  for (const file of files) for (const found of await importsOf(file)) files.add(found);
  return files;
}
