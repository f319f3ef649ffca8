export interface NameMatch {
  /** In the order of `names`, each once. */
  readonly matched: readonly string[];
  /** Patterns that no name fits. */
  readonly unmatched: readonly string[];
}

/**
 * The names that at least one pattern fits: a name itself, or one with `*` (any characters) and `?` (one).
 *
 * @example matchNames(["pay*", "api"], ["api", "payments", "mail"]) // { matched: ["api", "payments"], unmatched: [] }
 */
export function matchNames(patterns: readonly string[], names: readonly string[]): NameMatch {
  const found = new Set<string>();
  const unmatched: string[] = [];
  for (const pattern of patterns) {
    const fits = matcher(pattern);
    const fitting = names.filter(fits);
    for (const name of fitting) found.add(name);
    if (fitting.length === 0) unmatched.push(pattern);
  }
  return { matched: names.filter((name) => found.has(name)), unmatched };
}

function matcher(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) return (name) => name === pattern;
  // Neighbouring stars mean the same as one, and would make the expression slow.
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
