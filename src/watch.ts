import { dirname } from "node:path";
import type { Clock } from "./core/clock.ts";
import { importGraph } from "./modules/import-graph.ts";

/** What can be seen of files; `watch-files.ts` looks at the real ones. */
export interface FileView {
  /** Something that is another one when the file is, or the names in a folder are; undefined while there is none. */
  stamp(file: string): string | undefined;
  /** Calls `changed` when something in the folder may have changed; returns how to stop. */
  watch(folder: string, changed: () => void): () => void;
  importsOf(file: string): Promise<readonly string[]>;
}

export interface WatchOptions {
  readonly files: FileView;
  readonly clock: Clock;
  /** services.yaml and its overlay. */
  readonly plans: readonly string[];
  /** The services there are now, with their modules. */
  readonly services: () => readonly { readonly name: string; readonly module: string }[];
  /** The plan's files have changed. Resolves when that was seen to. */
  readonly reload: () => Promise<void>;
  /** Files of these services have changed. Resolves with those whose code cannot be loaded as it is. */
  readonly replace: (services: readonly string[]) => Promise<readonly string[]>;
  /** Told of a defect; the watch goes on. */
  readonly failed: (error: unknown) => void;
}

export interface Watch {
  /** Resolves when every file is known and watched. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Editors write a file in several steps, and people save several files at once, in milliseconds. */
const quietMs = 100;

/**
 * Watches the plan's files and the local files that each service imports. Folders, not files: editors put a new file
 * in place of the old one. What an event says is not believed; after it, the files are looked at.
 */
export function createWatch(options: WatchOptions): Watch {
  const { files, clock, plans } = options;
  const graphs = new Map<string, ReadonlySet<string>>();
  const stamps = new Map<string, string | undefined>();
  const folders = new Map<string, () => void>();
  let failing: ReadonlySet<string> = new Set();
  let cancel = () => {};
  let work: Promise<void> = Promise.resolve();
  let closed = false;

  function noticed(): void {
    cancel();
    cancel = clock.after(quietMs, () => {
      work = work.then(look).catch(options.failed);
    });
  }

  async function look(): Promise<void> {
    if (closed) return;
    const changed = new Set([...stamps.keys()].filter((file) => files.stamp(file) !== stamps.get(file)));
    for (const file of changed) stamps.set(file, files.stamp(file));
    // One that cannot be loaded may need a file that was not there: nobody knows it by name, but its folder changes.
    const appeared = [...changed].some((file) => folders.has(file));
    const owners = options
      .services()
      .filter(({ name }) => (appeared && failing.has(name)) || owns(name, changed));
    if (plans.some((file) => changed.has(file))) await options.reload();
    if (owners.length > 0) {
      const names = owners.map(({ name }) => name);
      const failed = await options.replace(names);
      failing = new Set([...[...failing].filter((name) => !names.includes(name)), ...failed]);
    }
    await learn();
  }

  function owns(service: string, changed: ReadonlySet<string>): boolean {
    return [...(graphs.get(service) ?? [])].some((file) => changed.has(file));
  }

  /** Whose files are which, and where they are. What is known of a service that cannot be loaded stays known. */
  async function learn(): Promise<void> {
    // One that only enqueues by its schedule has no file.
    const services = options.services().filter(({ module }) => module !== "");
    const now = new Set(services.map(({ name }) => name));
    for (const name of graphs.keys()) if (!now.has(name)) graphs.delete(name);
    const known = new Map<string, Promise<readonly string[]>>();
    const importsOf = (file: string) => {
      const imports = known.get(file) ?? files.importsOf(file);
      known.set(file, imports);
      return imports;
    };
    for (const { name, module } of services) {
      const found = await importGraph(module, importsOf);
      graphs.set(name, failing.has(name) ? new Set([...found, ...(graphs.get(name) ?? [])]) : found);
    }
    if (!closed) follow(new Set([...plans, ...[...graphs.values()].flatMap((graph) => [...graph])]));
  }

  function follow(wanted: ReadonlySet<string>): void {
    const around = new Set([...wanted].map((file) => dirname(file)));
    const seen = new Set([...wanted, ...around]);
    for (const path of stamps.keys()) if (!seen.has(path)) stamps.delete(path);
    for (const path of seen) if (!stamps.has(path)) stamps.set(path, files.stamp(path));
    for (const [folder, stop] of folders) {
      if (around.has(folder)) continue;
      stop();
      folders.delete(folder);
    }
    for (const folder of around) {
      if (!folders.has(folder)) folders.set(folder, files.watch(folder, noticed));
    }
  }

  work = learn();
  return {
    ready: work,
    close() {
      closed = true;
      cancel();
      for (const stop of folders.values()) stop();
      folders.clear();
    },
  };
}
