import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const root = join(import.meta.dirname, "..");

/**
 * src/cli/templates/supervisor-types.ts: the types of what a service module imports from "supervisor", as one
 * ambient module. `supervisor init` writes it beside the services, so that editors know them with nothing
 * installed.
 */
export function supervisorTypesFile(): string {
  const declared = declarations();
  const permanentError = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport declare class PermanentError[\s\S]*?\n\}/;
  const parts = [
    declared("service/message"),
    declared("service/contract"),
    declared("service/define"),
    permanentError.exec(declared("core/errors"))?.[0] ?? "",
  ];
  const body = parts
    .map((part) => part.replace(/^import .*\n/gm, "").replace(/^export declare /gm, "export "))
    .map((part) => part.trim())
    .join("\n")
    .replace(/^ +/gm, ({ length }) => " ".repeat(Math.floor(length / 2) + (length % 2)))
    .replace(/^(?=.)/gm, "  ");
  const types = `/** What service modules import; the supervisor brings it, nothing has to be installed. */
declare module "supervisor" {
${body}
}
`;
  return [
    "// Made from src/service/contract.ts by `npm run docs`.",
    "",
    "/** The file supervisor.d.ts of a new project. */",
    `export const supervisorTypes = ${templateLiteral(types)};`,
    "",
  ].join("\n");
}

/** Reads what the compiler declares for a file below src/. */
function declarations(): (module: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "supervisor-types-"));
  try {
    const files = [
      "src/service/message.ts",
      "src/service/contract.ts",
      "src/service/define.ts",
      "src/core/errors.ts",
    ];
    const flags = [
      "--ignoreConfig",
      "--declaration",
      "--emitDeclarationOnly",
      "--outDir",
      folder,
      "--rootDir",
      "src",
    ];
    const language = ["--target", "esnext", "--lib", "esnext,dom", "--module", "preserve", "--types", ""];
    const typescript = ["--allowImportingTsExtensions", "--strict", ...language, ...flags, ...files];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...typescript], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`tsc: ${stdout}`);
    const texts = new Map(
      files.map((file) => {
        const module = file.replace(/^src\//, "").replace(/\.ts$/, "");
        return [module, readFileSync(join(folder, `${module}.d.ts`), "utf8")] as const;
      }),
    );
    return (module) => texts.get(module) ?? "";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function templateLiteral(text: string): string {
  return `\`${text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${")}\``;
}
