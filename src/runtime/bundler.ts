/** Makes executables and bundles of modules. */
export interface Bundler {
  bundle(options: BundleOptions): Promise<Bundle>;
  /**
   * Which files `entries` are made of, without making anything. Rejects with a ProblemsError that says what cannot be
   * found or parsed, and where.
   *
   * @param imports for Deno: its import map, with paths from the app's folder; what only Deno finds is not followed
   */
  inspect(app: AppSource, imports?: Readonly<Record<string, string>>): Promise<AppInput[]>;
  /**
   * Writes one executable. Rejects with a ProblemsError, as `inspect`, a SupervisorError, or a full disk's error of the
   * system.
   */
  compile(app: AppSource, options: CompileOptions): Promise<void>;
  /** Its own name and version, and what it compiles for unless told otherwise: `linux-x64`. */
  readonly runtime: string;
  readonly target: string;
}

export interface BundleOptions {
  readonly entries: readonly string[];
  readonly root: string;
  readonly define: Readonly<Record<string, string>>;
}

export interface Bundle {
  /** The text of each by its name: `entries` by their own, beside what they share. */
  readonly files: Readonly<Record<string, string>>;
  /** The files that it is made of, from `root`. */
  readonly inputs: readonly string[];
}

export interface AppSource {
  /** The folder that the paths of the app begin at. */
  readonly folder: string;
  /** Generated files by name; they import each other as `./name`, and files of `folder` as `app:path`. */
  readonly files: Readonly<Record<string, string>>;
  /** Those of `files` that are run: the first by the process, the others by threads. */
  readonly entries: readonly string[];
  /** What `import … from "name"` means in files of the app: one of `files`. */
  readonly provided: Readonly<Record<string, string>>;
}

export interface AppInput {
  /** From `folder`, with `/`. */
  readonly path: string;
  readonly imports: readonly AppImport[];
  /** Not CommonJS, nor data. */
  readonly isModule: boolean;
  /** Of an ES module that is loaded by itself: its exports, apart from what `export *` takes of CommonJS. */
  readonly exports?: readonly string[];
}

export interface AppImport {
  readonly path: string;
  readonly specifier: string;
  /** As what the import wants to have it: `{ type: "text" }`. */
  readonly type?: string;
  /** A `require()` of what is not there, in code that expects this: within a `try`. */
  readonly isAbsent?: boolean;
}

export interface CompileOptions {
  readonly outfile: string;
  /** What `inspect` found: its absent ones throw what they do unsealed. */
  readonly inputs: readonly AppInput[];
  /** `linux-arm64`, with the runtime to put the app into; absent: this one. */
  readonly cross?: { readonly target: string; readonly runtime: string };
}
