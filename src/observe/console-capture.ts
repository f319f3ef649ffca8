import type { Logger } from "../core/log.ts";
import { scopes } from "../service/scope.ts";
import type { ConsoleMethod, ConsoleState } from "./console-methods.ts";
import { consoleMethods } from "./console-methods.ts";

/**
 * Turns `console.*` into log records: of the service whose code calls it, or of `fallback` outside of any.
 * Counters, timers and groups belong to one generation of one service. Returns how to undo it.
 */
export function captureConsole(fallback: Logger): () => void {
  const taken = new Map<Method, { readonly original: Entry; readonly captured: Entry }>();
  const states = new WeakMap<object, ConsoleState>();
  let speaking = false;
  let isOver = false;
  for (const method of Object.keys(consoleMethods) as Method[]) {
    const original = console[method] as Entry;
    const captured = (...values: unknown[]) => {
      // A value whose inspection or serialization logs something itself must not come back here for ever. And a group that
      // began later and ends later gives back this as what was there before.
      if (speaking || isOver) {
        original.apply(console, values);
        return;
      }
      speaking = true;
      try {
        const scope = scopes.getStore();
        const speaker = scope ?? fallback;
        // Before the call: the label of a group stands outside of it.
        const depth = states.get(speaker)?.depth ?? 0;
        const say: ConsoleMethod = consoleMethods[method];
        const said = say(values, () => stateOf(speaker, states), captured);
        if (said) (scope?.log ?? fallback)[said.level](indent(said.message, depth), said.fields);
      } finally {
        speaking = false;
      }
    };
    taken.set(method, { original, captured });
    console[method] = captured;
  }
  return () => {
    isOver = true;
    for (const [method, { original, captured }] of taken) {
      // Whoever took it after us keeps it.
      if (console[method] === captured) console[method] = original;
    }
  };
}

type Method = keyof typeof consoleMethods;
type Entry = (...values: unknown[]) => void;

/** Every line of `message`, two spaces to the right for each open group. */
function indent(message: string, depth: number): string {
  return depth === 0 ? message : message.replace(/^/gm, "  ".repeat(depth));
}

function stateOf(speaker: object, states: WeakMap<object, ConsoleState>): ConsoleState {
  const known = states.get(speaker);
  if (known) return known;
  const fresh: ConsoleState = { depth: 0, counts: new Map(), timers: new Map() };
  states.set(speaker, fresh);
  return fresh;
}
