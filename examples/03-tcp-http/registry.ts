/** Who produces which topic. One process has one copy: both servers import this file. */
const producers = new Map<string, Set<string>>();

export function register(topic: string, producer: string): void {
  const known = producers.get(topic) ?? new Set();
  producers.set(topic, known.add(producer));
}

export function lookup(topic: string): string[] {
  return [...(producers.get(topic) ?? [])];
}
