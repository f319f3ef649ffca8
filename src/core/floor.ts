/**
 * Who of a service may claim messages: one after the other where their order counts. Those that came before have left
 * it when nothing is in their hands any more.
 */
export interface Floor {
  /** Calls `granted` once, when all who joined before have left: at once where nobody is there. Returns how to leave. */
  join(granted: () => void): () => void;
}

export function createFloor(): Floor {
  const line: (() => void)[] = [];
  return {
    join(granted) {
      // Its own, so that the same function may stand in the line twice.
      const place = () => granted();
      line.push(place);
      if (line.length === 1) place();
      return () => {
        const index = line.indexOf(place);
        if (index < 0) return;
        line.splice(index, 1);
        if (index === 0) line[0]?.();
      };
    },
  };
}
