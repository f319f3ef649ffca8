import { basename, join, relative, resolve, sep } from "node:path";
import process from "node:process";

/** What `supervisor build` puts into an executable, beside the supervisor itself. */
export interface Seal {
  /** The name of the services.yaml, without a folder. */
  readonly file: string;
  /** The text of it and of its overlays, by name. */
  readonly texts: Readonly<Record<string, string>>;
  /** How to import each module, by its path from the folder of the services.yaml, with `/`. */
  readonly modules: Readonly<Record<string, () => Promise<Record<string, unknown>>>>;
  /** What `--supervisor-info` prints; loaded when it is asked for. */
  readonly info: () => Promise<{ readonly default: unknown }>;
}

/** The seal of this executable, and where its relative paths begin. */
export interface Sealed extends Seal {
  /** The working directory of the start: what is not sealed (databases, sockets, certificates) is found from there. */
  readonly folder: string;
  /** The services.yaml as if it lay in `folder`. Nothing is there. */
  readonly path: string;
}

let current: Sealed | undefined;

/** Called once, by what is generated, before anything else runs. */
export function seal(contents: Seal): void {
  const folder = process.cwd();
  current = { ...contents, folder, path: join(folder, contents.file) };
}

/** What is sealed into this executable; undefined for every other supervisor. */
export function sealed(): Sealed | undefined {
  return current;
}

/** The key of a file in `Seal.modules` and `Seal.texts`: its path from the folder of the services.yaml. */
export function keyIn({ folder }: Sealed, path: string): string {
  return relative(folder, resolve(folder, path)).split(sep).join("/");
}

/** What starts one: for whoever finds that none runs. */
export function startHint(): string {
  return `Start it with "${current ? process.argv0 : "supervisor run"}".`;
}

/** What a supervisor without `name:` is called when it is sealed: as its file, or the link to it that was typed. */
export function executableName(): string {
  return basename(process.argv0 || process.execPath);
}
