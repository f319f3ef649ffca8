import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Scope } from "../service/scope.ts";
import { scopes } from "../service/scope.ts";

/**
 * Wraps the global timers and `queueMicrotask`: a callback created while a service's code runs later runs in
 * that service's scope, with the beacon on its mark; what it throws is handed to `tag` and thrown on.
 * Callbacks created outside of any service are left as they are. Returns how to undo it.
 */
export function scopeTimers(beacon: Beacon, tag: (error: unknown, scope: Scope) => void): () => void {
  const restores = names.map((name) => {
    const original = globalThis[name] as Schedule;
    const wrapped = function (this: unknown, callback: unknown, ...rest: unknown[]): unknown {
      const scope = scopes.getStore();
      const scoped =
        scope && typeof callback === "function" ? inScope(callback as Callback, scope) : callback;
      return Reflect.apply(original, this, [scoped, ...rest]);
    };
    // `util.promisify(setTimeout)` finds its own implementation in a property of the function.
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    Object.assign(globalThis, { [name]: wrapped });
    return () => {
      // Whoever wrapped it after us keeps it.
      if ((globalThis[name] as unknown) === wrapped) Object.assign(globalThis, { [name]: original });
    };
  });

  function inScope(callback: Callback, scope: Scope): Callback {
    return function (this: unknown, ...values) {
      const before = beacon[beaconCells.current] as number;
      beacon[beaconCells.current] = scope.beacon;
      beacon[beaconCells.last] = scope.beacon;
      try {
        // Most runtimes carry the scope by themselves; entering it again would cost for nothing.
        if (scopes.getStore() === scope) return Reflect.apply(callback, this, values);
        return scopes.run(scope, () => Reflect.apply(callback, this, values));
      } catch (error) {
        tag(error, scope);
        throw error;
      } finally {
        beacon[beaconCells.current] = before;
      }
    };
  }

  return () => {
    for (const restore of restores) restore();
  };
}

const names = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const;

type Callback = (this: unknown, ...values: unknown[]) => unknown;
type Schedule = (callback: unknown, ...rest: unknown[]) => unknown;
