/** Owners that left for good: whatever of theirs the broker still holds is nobody's. */
export type Gone = readonly string[];

/**
 * Who of a service may claim messages: one after the other where their order counts. Those that came before have left
 * it when nothing is in their hands any more.
 */
export interface Floor {
  /**
   * Calls `granted` once, when all who joined before have left: at once where nobody is there. It is told whoever is gone
   * since the last one. Returns how to leave.
   */
  join(granted: (gone: Gone) => void): (gone?: Gone) => void;
}

export function createFloor(): Floor {
  const line: (() => void)[] = [];
  let left: Gone = [];
  return {
    join(granted) {
      // Its own, so that the same function may stand in the line twice.
      const place = () => {
        const gone = left;
        left = [];
        granted(gone);
      };
      line.push(place);
      if (line.length === 1) place();
      return (gone = []) => {
        const index = line.indexOf(place);
        if (index < 0) return;
        line.splice(index, 1);
        left = [...left, ...gone];
        if (index === 0) line[0]?.();
      };
    },
  };
}
