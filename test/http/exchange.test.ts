import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Exchange, RunningList } from "../../src/http/exchange.ts";

const exchange = () => new Exchange(new Request("http://any/"), undefined);

describe("RunningList", () => {
  test("holds what a Set would hold, whatever is added and removed", () => {
    const step = fc.record({ adds: fc.boolean(), pick: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list = new RunningList();
        const model = new Set<Exchange>();
        for (const { adds, pick } of steps) {
          const member = [...model][pick % Math.max(1, model.size)];
          if (adds || !member) {
            const added = exchange();
            list.add(added);
            model.add(added);
          } else {
            list.remove(member);
            model.delete(member);
          }
          expect(list.size).toBe(model.size);
          expect(new Set(list.snapshot())).toEqual(model);
          expect(list.snapshot()).toHaveLength(model.size);
        }
      }),
    );
  });
});
