import { statSync, watch } from "node:fs";
import type { Runtime } from "./runtime/runtime.ts";
import type { FileView } from "./watch.ts";

/** The files of this machine. `failed` is told of a folder that cannot be watched. */
export function realFiles(runtime: Runtime, failed: (folder: string, error: unknown) => void): FileView {
  return {
    stamp(file) {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat && `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    },
    watch(folder, changed) {
      try {
        const watcher = watch(folder, { persistent: false }, changed);
        watcher.on("error", (error) => failed(folder, error));
        return () => watcher.close();
      } catch (error) {
        failed(folder, error);
        return () => {};
      }
    },
    importsOf: runtime.localImports,
  };
}
