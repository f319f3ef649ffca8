import { chmodSync, realpathSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import process from "node:process";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { AppInput, AppSource, Bundle, BundleOptions, Bundler, CompileOptions } from "./bundler.ts";
import {
  absentModules,
  generated,
  generatedFiles,
  isGenerated,
  isThere,
  mappedImports,
} from "./bundler-plugins-bun.ts";

export const bunBundler: Bundler = {
  runtime: `bun ${Bun.version}`,
  target: `${process.platform}-${process.arch}`,
  bundle,
  inspect,
  compile,
};

/** Names stay: services may look at those of classes and functions, and stack traces show them. */
const smaller = { whitespace: true, syntax: true, identifiers: false, keepNames: true };
const naming = { entry: "[name].[ext]", chunk: "chunk-[hash].[ext]" };

async function bundle({ entries, root, define }: BundleOptions): Promise<Bundle> {
  const { outputs, metafile } = await Bun.build({
    entrypoints: [...entries],
    root,
    // What both runtimes can run: with `bun`, packages of CommonJS would ask for Bun's own require.
    target: "node",
    external: ["bun:*"],
    format: "esm",
    splitting: true,
    minify: smaller,
    naming,
    define: { ...define },
    metafile: true,
  });
  const files = outputs.map(async (output) => [basename(output.path), plain(await output.text())] as const);
  return {
    files: Object.fromEntries(await Promise.all(files)),
    // Bun writes them from the working directory.
    inputs: Object.keys(metafile?.inputs ?? {}).map((path) => relative(root, resolve(path))),
  };
}

/** Without the lines that mark a file as executable, and as made by Bun for itself. */
function plain(text: string): string {
  return text.replace(/^#!.*\n/, "").replace(/^\/\/ @bun.*\n/, "");
}

async function inspect(app: AppSource, denoImports?: Readonly<Record<string, string>>): Promise<AppInput[]> {
  const plugins = [generatedFiles(app), ...(denoImports ? [mappedImports(app, denoImports)] : [])];
  const { metafile } = await build(app, { metafile: true, plugins });
  const inputs = Object.entries(metafile?.inputs ?? {});
  const chunks = Object.values(metafile?.outputs ?? {});
  const exported = new Map(chunks.map(({ entryPoint, exports }) => [entryPoint, exports]));
  return inputs.flatMap(([path, { imports, format }]) => {
    const exports = format === "esm" ? exported.get(path) : undefined;
    // What a data: URL holds is in the file that imports it.
    if (isGenerated(path) || path.startsWith("dataurl:")) return [];
    return [
      {
        path,
        isModule: format === "esm",
        imports: imports.map((each) => ({
          // What is imported dynamically is a chunk of its own: `path` is only its name.
          path: each.entryPoint ?? each.path,
          specifier: each.original ?? each.path,
          ...(each.with?.type ? { type: each.with.type } : {}),
          ...(isAbsent(each, resolve(app.folder, path)) ? { isAbsent: true } : {}),
        })),
        ...(exports ? { exports } : {}),
      },
    ];
  });
}

type MetaImport = Bun.BuildMetafile["inputs"][string]["imports"][number];

/** The bundler leaves it out, and the runtime has nothing of that name either. */
function isAbsent({ kind, external, path }: MetaImport, importer: string): boolean {
  return kind === "require-call" && external === true && !isThere(path, dirname(importer));
}

async function compile(app: AppSource, { outfile, inputs, cross }: CompileOptions): Promise<void> {
  await build(app, {
    plugins: [generatedFiles(app), absentModules(app, inputs)],
    minify: smaller,
    bytecode: true,
    // Embedded: stack traces name the files and lines of the app.
    sourcemap: "linked",
    compile: {
      outfile,
      autoloadPackageJson: false,
      autoloadTsconfig: false,
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(cross
        ? { target: `bun-${cross.target}` as Bun.Build.CompileTarget, executablePath: cross.runtime }
        : {}),
    },
  });
  chmodSync(outfile, 0o755);
}

/**
 * Paths of files go into the names of what is made: they must not begin at the root of this machine. So the build runs in
 * the folder of the app, where Bun writes paths from.
 */
async function build(app: AppSource, how: Partial<Bun.BuildConfig>): Promise<Bun.BuildOutput> {
  const before = process.cwd();
  process.chdir(app.folder);
  try {
    const output = await Bun.build({
      entrypoints: app.entries.map((name) => `${generated}${name}`),
      root: realpathSync(app.folder),
      target: "bun",
      format: "esm",
      splitting: true,
      naming,
      env: "disable",
      // Else its value of now would be written into the code.
      define: { "process.env.NODE_ENV": "process.env.NODE_ENV" },
      jsx: { development: false },
      plugins: [generatedFiles(app)],
      throw: false,
      ...how,
    } as Bun.BuildConfig);
    const full = output.logs
      .map(({ message }) => systemErrorIn(message))
      .find((error) => error !== undefined);
    if (full) throw full;
    if (!output.success)
      throw new ProblemsError(output.logs.filter(isError).map((log) => problemOf(log, app, how)));
    return output;
  } catch (error) {
    if (error instanceof ProblemsError || isSystemError(error)) throw error;
    throw new SupervisorError(
      "CANNOT_SEAL",
      `The executable cannot be made: ${messageOf(error)}`,
      hintFor(how),
      {
        cause: error,
      },
    );
  } finally {
    process.chdir(before);
  }
}

/** Bun puts what the system said into a sentence; whoever named the file can say it better. */
function systemErrorIn(message: string): Error | undefined {
  const [code] = /\b(?:ENOSPC|EDQUOT)\b/.exec(message) ?? [];
  return code === undefined ? undefined : Object.assign(new Error(message), { code, syscall: "write" });
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function hintFor({ compile }: Partial<Bun.BuildConfig>): string {
  return typeof compile === "object" && compile.executablePath
    ? "--runtime needs an executable of Bun, or a supervisor, of the same version for that target."
    : "Look whether there is room on the disk, and whether the folder of the executable can be written to.";
}

function isError({ level }: BuildMessage | ResolveMessage): boolean {
  return level === "error";
}

function problemOf(
  log: BuildMessage | ResolveMessage,
  { folder }: AppSource,
  how: Partial<Bun.BuildConfig>,
): Problem {
  const missing = log.name === "ResolveMessage" || /^Could not resolve/.test(log.message);
  const { position } = log;
  return {
    code: missing ? "MODULE_NOT_FOUND" : position ? "MODULE_SYNTAX" : "CANNOT_SEAL",
    message: log.message.replace(/\.? Maybe you need to "bun install"\?$/, ""),
    hint: missing
      ? hintForMissing(log.message)
      : position
        ? "Correct the module at this place."
        : hintFor(how),
    ...(position
      ? {
          position: {
            file: resolve(folder, position.file),
            line: Math.max(1, position.line),
            column: Math.max(1, position.column),
            text: position.lineText,
            length: Math.max(1, position.length),
          },
        }
      : {}),
  };
}

function hintForMissing(message: string): string {
  return /"(?:npm|jsr):/.test(message)
    ? "Only Deno knows npm: and jsr: specifiers: install the package and import it by its name, or build with --deno."
    : "Install the package beside the module, or correct the path.";
}
