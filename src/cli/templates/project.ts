import { jsonSchema } from "../../config/json-schema.ts";
import { supervisorTypes } from "./supervisor-types.ts";

export interface Template {
  /** The files of a project, by path. It needs nothing installed. */
  readonly files: Readonly<Record<string, string>>;
  /** What to type once it runs. */
  readonly tryIt: string;
}

/** What every project has besides its services. */
export function projectFiles(name: string): Readonly<Record<string, string>> {
  return {
    // No start script: npm would send Ctrl-C a second time, and a second signal ends the supervisor at once.
    "package.json": json({ name, private: true, type: "module" }),
    "tsconfig.json": json(tsconfig),
    // Without it `deno check` does not know what "supervisor" is.
    "deno.json": json({ compilerOptions: { types: ["./supervisor.d.ts"] } }),
    "supervisor.d.ts": supervisorTypes,
    "services.schema.json": json(jsonSchema()),
  };
}

const tsconfig = {
  compilerOptions: {
    target: "ESNext",
    lib: ["ESNext", "DOM", "DOM.Iterable"],
    module: "Preserve",
    moduleResolution: "bundler",
    types: [],
    noEmit: true,
    strict: true,
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  },
  include: ["services", "supervisor.d.ts"],
};

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
