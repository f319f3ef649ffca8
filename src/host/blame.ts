import { dirname, resolve, sep } from "node:path";
import { sealed } from "../core/sealed.ts";
import type { Scope } from "../service/scope.ts";
import { scopes } from "../service/scope.ts";

/** Who left an error behind that nobody caught. */
export type Culprit =
  | { readonly tag: "running"; readonly scope: Scope }
  /** Code that goes on although its generation has ended; undefined: nobody knows which one, but none runs. */
  | { readonly tag: "gone"; readonly service: string; readonly generation: number | undefined };

/** What a service owns of the stack of an error. */
export interface Owner {
  readonly name: string;
  readonly module: string;
  /** Present: its code runs in threads of its own, and fails there. */
  readonly worker?: unknown;
}

/** Finds the service behind an error that nobody caught. */
export interface Blame {
  /** A generation of the service whose module is `module` lives from now on, until the returned call. */
  register(scope: Scope, module: string): () => void;
  /** Remembers that `error` left code of `scope`; only objects can be remembered. */
  tag(error: unknown, scope: Scope): void;
  /** Who it was, or undefined. Must be called in the context in which the runtime reported the error. */
  attribute(error: unknown): Culprit | undefined;
}

/**
 * Looks in this order: the asynchronous context, the tags, the paths in the stack. Bun loses the context of
 * rejected promises and Deno that of timers, so none of them is enough; together the holes are few. `services` are
 * those of the plan: one that has failed still owns its files, lest its neighbour be blamed for them.
 */
export function createBlame(services: () => readonly Owner[]): Blame {
  const alive = new Set<Scope>();
  const tags = new WeakMap<object, Scope>();
  /** The last service of every file that ever was a module: what a reload took out of the plan may still run. */
  const former = new Map<string, string>();

  function attribute(error: unknown): Culprit | undefined {
    const scope = scopes.getStore() ?? (isObject(error) ? tags.get(error) : undefined);
    if (scope) {
      const { service, generation } = scope;
      return alive.has(scope) ? { tag: "running", scope } : { tag: "gone", service, generation };
    }
    const service =
      error instanceof Error && error.stack
        ? serviceInStack(error.stack, owners(services(), former))
        : undefined;
    if (service === undefined) return undefined;
    const running = [...alive].findLast((each) => each.service === service);
    return running ? { tag: "running", scope: running } : { tag: "gone", service, generation: undefined };
  }

  return {
    register(scope, module) {
      alive.add(scope);
      former.set(module, scope.service);
      return () => alive.delete(scope);
    },
    tag(error, scope) {
      if (isObject(error)) tags.set(error, scope);
    },
    attribute,
  };
}

/** By file, and by folder with its separator: the service it belongs to, undefined where several share it. */
type Owners = ReadonlyMap<string, string | undefined>;

function owners(services: readonly Owner[], former: ReadonlyMap<string, string>): Owners {
  const found = new Map<string, string | undefined>();
  const claim = (root: string, service: string) =>
    found.set(root, found.has(root) && found.get(root) !== service ? undefined : service);
  const planned = services.filter(({ worker }) => worker === undefined);
  const modules = new Set(planned.map(({ module }) => module));
  // A file that a reload gave to another service is that one's.
  const left = [...former]
    .filter(([module]) => !modules.has(module))
    .map(([module, name]) => ({ name, module }));
  for (const { name, module } of [...planned, ...left]) {
    claim(module, name);
    claim(dirname(module) + sep, name);
  }
  return found;
}

/**
 * The service whose file stands first in the stack; failing that, the one whose folder does. A file or a
 * folder that several services share blames none of them.
 */
function serviceInStack(stack: string, owners: Owners): string | undefined {
  for (const frame of stack.split("\n")) {
    const file = fileIn(frame);
    const service = file ? longestRoot(file, owners) : undefined;
    if (service !== undefined) return service;
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

function longestRoot(file: string, owners: Owners): string | undefined {
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
