import { createHash } from "node:crypto";

/** A Lua script of ours, by the digest under which Redis keeps it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
