import { afterEach, describe, expect, test } from "bun:test";
import { promisify } from "node:util";
import { beaconCells, createBeacon } from "../../src/core/beacon.ts";
import { scopeTimers } from "../../src/observe/timer-scope.ts";
import type { Scope } from "../../src/service/scope.ts";
import { scopes } from "../../src/service/scope.ts";

let restore = () => {};
afterEach(() => restore());

const log = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const scope: Scope = { service: "api", generation: 1, log, beacon: 7, failed() {} };

function install() {
  const beacon = createBeacon();
  const tagged: { error: unknown; scope: Scope }[] = [];
  restore = scopeTimers(beacon, (error, owner) => void tagged.push({ error, scope: owner }));
  const seen = () => ({ mark: beacon[beaconCells.current], service: scopes.getStore()?.service });
  return { beacon, tagged, seen };
}

describe("scopeTimers", () => {
  test.each(["setTimeout", "setImmediate", "queueMicrotask", "setInterval"] as const)(
    "%s runs a service's callback on its mark and in its scope",
    async (name) => {
      const { beacon, seen } = install();
      const found = await new Promise((resolve) => {
        scopes.run(scope, () => {
          const timer = (globalThis[name] as (callback: () => void) => unknown)(() => {
            if (name === "setInterval") clearInterval(timer as Timer);
            resolve(seen());
          });
        });
      });
      expect(found).toEqual({ mark: 7, service: "api" });
      expect(beacon[beaconCells.current]).toBe(0);
      expect(beacon[beaconCells.last]).toBe(7);
    },
  );

  test("a callback created outside of every service is left as it is", async () => {
    const { beacon, seen } = install();
    const found = await new Promise((resolve) => setTimeout(() => resolve(seen()), 0));
    expect(found).toEqual({ mark: 0, service: undefined });
    expect(beacon[beaconCells.last]).toBe(0);
  });

  test("arguments, the timer and its cancellation work as before", async () => {
    install();
    let cancelled = true;
    const values = await new Promise((resolve) => {
      scopes.run(scope, () => {
        clearTimeout(setTimeout(() => (cancelled = false), 0));
        setTimeout((...given: unknown[]) => resolve(given), 1, "a", 2);
      });
    });
    expect(values).toEqual(["a", 2]);
    expect(cancelled).toBe(true);
  });

  test("promisify(setTimeout) still resolves with its value", async () => {
    install();
    expect(await scopes.run(scope, () => promisify(setTimeout)(1, "value"))).toBe("value");
  });

  test("what a callback throws is tagged with its scope and thrown on, and the mark is taken off", () => {
    const { beacon, tagged } = install();
    const queued: (() => void)[] = [];
    restore();
    const original = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (callback) => void queued.push(callback as () => void);
    restore = scopeTimers(beacon, (error, owner) => void tagged.push({ error, scope: owner }));
    const boom = new Error("boom");
    scopes.run(scope, () =>
      queueMicrotask(() => {
        throw boom;
      }),
    );
    restore();
    globalThis.queueMicrotask = original;
    expect(queued[0]).toThrow(boom);
    expect(tagged).toEqual([{ error: boom, scope }]);
    expect(beacon[beaconCells.current]).toBe(0);
  });

  test("restoring gives the original functions back", () => {
    const before = globalThis.setTimeout;
    install();
    expect(globalThis.setTimeout).not.toBe(before);
    restore();
    expect(globalThis.setTimeout).toBe(before);
  });
});
