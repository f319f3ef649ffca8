// build.ts puts literals in place of these two; when the source runs as it is, they do not exist.
declare const SUPERVISOR_VERSION: string | undefined;
declare const SUPERVISOR_COMMIT: string | undefined;

export interface BuildInfo {
  readonly version: string;
  /** The commit that was compiled, or `source`. */
  readonly commit: string;
}

/** Which supervisor this is. */
export async function buildInfo(): Promise<BuildInfo> {
  if (typeof SUPERVISOR_VERSION === "string" && typeof SUPERVISOR_COMMIT === "string") {
    return { version: SUPERVISOR_VERSION, commit: SUPERVISOR_COMMIT };
  }
  const manifest = await import("../../package.json", { with: { type: "json" } });
  return { version: manifest.default.version, commit: "source" };
}
