import { existsSync } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Handler } from "../handler.ts";
import { shellWord } from "../shell-word.ts";
import { consumerTemplate } from "../templates/consumer.ts";
import { httpTemplate } from "../templates/http.ts";
import { writeFiles } from "../write-files.ts";

const templates = { http: httpTemplate, consumer: consumerTemplate };

export const command: Handler<"init"> = ({ positionals, options }, terminal) => {
  const folder = resolve(terminal.cwd, positionals[0] ?? ".");
  const { files, tryIt } = templates[options.template ?? "http"](projectName(folder));
  refuseToOverwrite(folder, Object.keys(files));
  writeFiles(folder, files);
  for (const path of Object.keys(files)) {
    terminal.out(`  ${relative(terminal.cwd, resolve(folder, path))}\n`);
  }
  const enter = relative(terminal.cwd, folder);
  terminal.out(`\nNext:\n  ${enter ? `cd ${shellWord(enter)} && ` : ""}supervisor run\n`);
  terminal.out(`  ${tryIt}\n`);
  return ExitCode.clean;
};

function refuseToOverwrite(folder: string, paths: readonly string[]): void {
  const there = paths.filter((path) => existsSync(resolve(folder, path)));
  if (there.length === 0) return;
  throw new SupervisorError(
    "FILE_EXISTS",
    `${folder} already has ${there.join(", ")}`,
    "Choose another directory, or move these files away. Nothing was written.",
  );
}

/** The folder's name with every character that a name in services.yaml may not have as a dash. */
function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return name || "hello";
}
