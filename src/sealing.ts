import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { buildInfo } from "./core/build-info.ts";
import type { Problem } from "./core/problem.ts";
import { ProblemsError } from "./core/problem.ts";
import { writeError } from "./core/write-error.ts";
import type { AppInput, CompileOptions } from "./runtime/bundler.ts";
import { importBundler } from "./runtime/find-bundler.ts";
import { appOf } from "./seal/app.ts";
import type { Contents } from "./seal/contents.ts";
import { readContents } from "./seal/contents.ts";
import { denoFiles, denoIncludes } from "./seal/deno-entry.ts";
import { denoImports } from "./seal/deno-imports.ts";
import { assertFits, assertOwnFolder, assertReplaceable } from "./seal/destination.ts";
import { missingExports } from "./seal/exports.ts";
import type { SealInfo } from "./seal/info.ts";
import type { Kit } from "./seal/kit.ts";
import { readKit } from "./seal/kit.ts";
import { infoOf } from "./seal/make-info.ts";
import { findObstacles } from "./seal/obstacles.ts";
import { oddImports } from "./seal/odd-imports.ts";
import { packageFolderOf } from "./seal/packages.ts";
import { writeExecutable } from "./seal/write-executable.ts";

/*
 * What compose.ts is to running a file, for making an executable of it:
 *
 *   services.yaml, overlays → contents → all files that they reach → obstacles → what it tells of itself → executable
 */

export interface SealOptions {
  /** The services.yaml, relative to the working directory. */
  readonly file: string;
  readonly outfile: string;
  readonly cross?: CompileOptions["cross"];
}

export interface SealResult {
  readonly info: SealInfo;
  /** What works only if that code never runs. */
  readonly doubtful: readonly Problem[];
  readonly bytes: number;
}

/**
 * Makes an executable that holds a services.yaml, its overlays and all modules that they name.
 *
 * @throws ProblemsError with what is wrong with the file or the modules, or cannot be inside; SupervisorError
 * UNSUPPORTED on Deno, FILE_UNWRITABLE, USAGE when something would be lost or `cross` contradicts itself.
 */
export async function sealServices({ file, outfile, cross }: SealOptions): Promise<SealResult> {
  const { compile, runtime, target } = await importBundler();
  if (cross) assertFits(cross.runtime, cross.target);
  const looked = await lookAt(file, { runtime, target: cross?.target ?? target });
  const app = appOf(looked.contents, looked.kit, looked.info, looked.own);
  const path = resolve(outfile);
  assertReplaceable(outfile, [...looked.read, cross?.runtime ?? process.execPath]);
  try {
    await writeExecutable(path, (compiled) =>
      compile(app, { outfile: compiled, inputs: looked.inputs, ...(cross ? { cross } : {}) }),
    );
  } catch (error) {
    throw isWriteError(error) ? writeError("the executable", outfile, error) : error;
  }
  return { info: looked.info, doubtful: looked.doubtful, bytes: statSync(path).size };
}

export interface DenoResult {
  readonly info: SealInfo;
  readonly doubtful: readonly Problem[];
  /** What `deno compile` has to include. */
  readonly includes: readonly string[];
}

/**
 * Writes the same app as files that `deno compile` makes an executable of; what it has written to `outdir` before is
 * overwritten.
 *
 * @throws as `sealServices`
 */
export async function writeDenoEntry(file: string, outdir: string, types: string): Promise<DenoResult> {
  const { contents, kit, info, doubtful } = await lookAt(file, { runtime: "deno", target: "deno" });
  const app = appOf(contents, kit, info);
  const out = resolve(outdir);
  assertOwnFolder(outdir);
  for (const [name, text] of Object.entries(denoFiles(app, out, types))) {
    const path = join(out, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    } catch (error) {
      throw writeError("the entry", path, error);
    }
  }
  return { info, doubtful, includes: denoIncludes(app) };
}

interface Looked {
  readonly contents: Contents;
  readonly kit: Kit;
  readonly info: SealInfo;
  readonly doubtful: readonly Problem[];
  /** The user's modules, from the folder. */
  readonly own: readonly string[];
  /** What the app is made of, apart from what is generated. */
  readonly inputs: readonly AppInput[];
  /** The paths of all files that it is made of. */
  readonly read: readonly string[];
}

async function lookAt(file: string, about: Pick<SealInfo, "runtime" | "target">): Promise<Looked> {
  const { inspect } = await importBundler();
  const [contents, kit, supervisor] = await Promise.all([readContents(file), readKit(), buildInfo()]);
  const imports = about.target === "deno" ? denoImports(contents.folder) : undefined;
  const inputs = await inspect(appOf(contents, kit, {}), imports);
  const found = [findObstacles(contents.folder, inputs)];
  // Deno has its own ways to import such things.
  if (about.target !== "deno") found.push(oddImports(contents.folder, inputs));
  const wrong = [...found.flatMap(({ fatal }) => fatal), ...missingExports(contents, inputs)];
  const doubtful = found.flatMap((each) => each.doubtful);
  if (wrong.length > 0) throw new ProblemsError(wrong);
  const info = infoOf({ contents, kit, inputs, supervisor, ...about });
  const paths = [...Object.keys(contents.texts), ...inputs.map(({ path }) => path)];
  const own = inputs.flatMap(({ path, isModule }) =>
    isModule && packageFolderOf(path) === undefined ? [path] : [],
  );
  const read = paths.map((path) => resolve(contents.folder, path));
  return { contents, kit, info, doubtful, own, inputs, read };
}

function isWriteError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
