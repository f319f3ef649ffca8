import { dirname, resolve, sep } from "node:path";
import { sealed } from "../core/sealed.ts";
import type { Scope } from "../service/scope.ts";
import { scopes } from "../service/scope.ts";

/** Finds the service behind an error that nobody caught. */
export interface Blame {
  /** A generation of the service whose module is `module` lives from now on, until the returned call. */
  register(scope: Scope, module: string): () => void;
  /** Remembers that `error` left code of `scope`; only objects can be remembered. */
  tag(error: unknown, scope: Scope): void;
  /** The service to blame, or undefined. Must be called in the context in which the runtime reported the error. */
  attribute(error: unknown): Scope | undefined;
}

/**
 * Looks in this order: the asynchronous context, the paths in the stack, the tags. Bun loses the context of
 * rejected promises and Deno that of timers, so none of them is enough; together the holes are few.
 */
export function createBlame(): Blame {
  const alive = new Map<Scope, string>();
  const tags = new WeakMap<object, Scope>();

  function attribute(error: unknown): Scope | undefined {
    const current = scopes.getStore();
    if (current && alive.has(current)) return current;
    const byStack = error instanceof Error && error.stack ? scopeInStack(error.stack, alive) : undefined;
    if (byStack) return byStack;
    const tagged = isObject(error) ? tags.get(error) : undefined;
    return tagged && alive.has(tagged) ? tagged : undefined;
  }

  return {
    register(scope, module) {
      alive.set(scope, module);
      return () => alive.delete(scope);
    },
    tag(error, scope) {
      if (isObject(error)) tags.set(error, scope);
    },
    attribute,
  };
}

/**
 * The service whose file stands first in the stack; failing that, the one whose folder does. A file or a
 * folder that several services share blames none of them.
 */
function scopeInStack(stack: string, alive: ReadonlyMap<Scope, string>): Scope | undefined {
  const owners = new Map<string, Scope | undefined>();
  for (const [scope, module] of alive) {
    for (const root of [module, dirname(module) + sep]) {
      const other = owners.get(root);
      const shared = owners.has(root) && other?.service !== scope.service;
      owners.set(root, shared ? undefined : scope);
    }
  }
  for (const frame of stack.split("\n")) {
    const file = fileIn(frame);
    const scope = file ? longestRoot(file, owners) : undefined;
    if (scope) return scope;
  }
  return undefined;
}

function fileIn(frame: string): string | undefined {
  const inside = sealed();
  if (!inside) return /((?:file:\/\/)?\/[^\s()]+?):\d+:\d+/.exec(frame)?.[1]?.replace(/^file:\/\//, "");
  // There the source maps tell paths from the folder of the services.yaml.
  const path = /([^\s()]+?):\d+:\d+/.exec(frame)?.[1];
  return path === undefined ? undefined : resolve(inside.folder, path);
}

function longestRoot(file: string, owners: ReadonlyMap<string, Scope | undefined>): Scope | undefined {
  let best = "";
  for (const root of owners.keys()) {
    const holds = root.endsWith(sep) ? file.startsWith(root) : file === root;
    if (holds && root.length > best.length) best = root;
  }
  return owners.get(best);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
