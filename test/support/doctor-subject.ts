import { join } from "node:path";
import { readPlan } from "../../src/config/read-plan.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import type { Machine } from "../../src/doctor/machine.ts";
import { readSources } from "../../src/doctor/source-file.ts";
import type { Subject } from "../../src/doctor/subject.ts";
import type { TempDir } from "./temp-dir.ts";

/** A machine on which everything is allowed and nothing is in use. */
export function freeMachine(over: Partial<Machine> = {}): Machine {
  return {
    variables: {},
    uid: 1_000,
    read: () => undefined,
    ownerOf: () => undefined,
    probe: () => {},
    output: () => undefined,
    ...over,
  };
}

/** What the checks look at, for the services.yaml in `folder`. Local imports are followed by their specifiers only. */
export async function subjectOf(folder: TempDir, over: Partial<Subject> = {}): Promise<Subject> {
  const file = join(folder.path, "services.yaml");
  const { plan, locate } = await readPlan({ file, variables: {} });
  const modules = plan.services.map(({ module }) => module);
  const sources = await readSources(modules, async () => []);
  return {
    plan,
    locate,
    sources,
    runtime: "bun",
    syntaxError: async () => undefined,
    provided: { supervisor: ["defineService"] },
    machine: freeMachine(),
    ...over,
  };
}

/** The services.yaml of one service whose module is api.ts. */
export const oneService =
  "name: test\nadmin: false\nservices:\n  api: { module: ./api.ts, http: { port: 8080 } }\n";

/** @example briefly(findings) // ["warn COMMONJS 3:5 __dirname"]: the place, and the text that it underlines */
export function briefly(findings: readonly Finding[]): string[] {
  return findings.map(({ level, code, position }) => {
    if (!position) return `${level} ${code}`;
    const { line, column, text, length } = position;
    return `${level} ${code} ${line}:${column} ${text.slice(column - 1, column - 1 + length)}`;
  });
}
