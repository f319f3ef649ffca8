import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** An empty folder of one test; `using` removes it. */
export interface TempDir extends Disposable {
  readonly path: string;
  /** Writes a file below it, with the folders that it needs; returns its path. */
  write(name: string, content: string): string;
}

/** @example using project = tempDir({ "services.yaml": "name: x" }) */
export function tempDir(files: Readonly<Record<string, string>> = {}): TempDir {
  // The real path: macOS hands out a link, and messages name what the link points to.
  const path = realpathSync(mkdtempSync(join(tmpdir(), "supervisor-test-")));
  const write = (name: string, content: string) => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { path, write, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
