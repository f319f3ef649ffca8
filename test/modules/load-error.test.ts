import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadProblems } from "../../src/modules/load-error.ts";

const at = { file: "/srv/services.yaml", line: 3, column: 13, text: "    module: ./api.ts", length: 8 };
let folder = "";
const file = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "load-error-"));
  writeFileSync(file("syntax.ts"), "export const a = 1;\nexport default {\n  fetch( { return 1 },\n};\n");
  writeFileSync(
    file("missing.ts"),
    'import { x } from "./nope.ts";\nexport default { fetch() { return x } };\n',
  );
  writeFileSync(
    file("package.ts"),
    'import { x } from "not-there";\nexport default { fetch() { return x } };\n',
  );
  writeFileSync(file("throws.ts"), 'const a = 1;\nthrow new Error("boom at load");\nexport default { a };\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What each runtime really throws: Bun's by importing the file, Deno's as recorded from 2.9. */
const denoError = (message: string) =>
  Object.assign(new TypeError(message), { code: "ERR_MODULE_NOT_FOUND" });

async function bunError(name: string): Promise<unknown> {
  return import(file(name)).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
}

describe("loadProblems()", () => {
  test.each([
    ["Bun", () => bunError("syntax.ts")],
    [
      "Deno",
      async () =>
        denoError(
          `SyntaxError: Expected ',', got 'numeric literal (1, 1)'\n  |\n3 |   fetch( { return 1 },\n  |                   ~\n    at file://${file("syntax.ts")}:3:19`,
        ),
    ],
  ])("a syntax error is told with its own place: %s", async (_, error) => {
    const problems = loadProblems("api", file("syntax.ts"), await error(), at);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      code: "MODULE_SYNTAX",
      position: { file: file("syntax.ts"), line: 3, column: 19, text: "  fetch( { return 1 }," },
    });
  });

  test.each([
    ["Bun", () => bunError("missing.ts")],
    [
      "Deno",
      async () =>
        denoError(`Module not found "file://${file("nope.ts")}".\n    at file://${file("missing.ts")}:1:19`),
    ],
  ])("an import of a missing file points at the import: %s", async (_, error) => {
    const [problem] = loadProblems("api", file("missing.ts"), await error(), at);
    expect(problem).toMatchObject({
      code: "MODULE_NOT_FOUND",
      message: expect.stringContaining("nope.ts"),
      position: { file: file("missing.ts"), line: 1, column: 19 },
    });
  });

  test("an import of a folder points at the import, which Deno does not follow", () => {
    writeFileSync(
      file("folder.ts"),
      'import { x } from "./lib";\nexport default { fetch() { return x } };\n',
    );
    const error = new Error(
      `[ERR_UNSUPPORTED_DIR_IMPORT] Directory import 'file://${file("lib")}' is not supported resolving ES modules\n    at file://${file("folder.ts")}:1:19`,
    );
    expect(loadProblems("api", file("folder.ts"), error, at)).toMatchObject([
      {
        code: "MODULE_NOT_FOUND",
        message: expect.stringContaining('imports "./lib", which is a folder'),
        position: { file: file("folder.ts"), line: 1, column: 19 },
      },
    ]);
  });

  test.each([
    ["Bun", () => bunError("package.ts")],
    [
      "Deno",
      async () =>
        denoError(
          `Import "not-there" not a dependency\n  hint: If you want to use the npm package, try running \`deno add npm:not-there\`\n    at file://${file("package.ts")}:1:19`,
        ),
    ],
    [
      "Deno with hooks",
      async () =>
        denoError(
          `Loading unprepared module: file://${file("not-there")}, imported from: file://${file("package.ts")}`,
        ),
    ],
  ])("a missing package says how to install it: %s", async (_, error) => {
    const [problem] = loadProblems("api", file("package.ts"), await error(), at);
    expect(problem).toMatchObject({
      code: "MODULE_NOT_FOUND",
      message: `Cannot load service "api": ${file("package.ts")} imports "not-there", which does not exist`,
      hint: expect.stringContaining("bun add not-there"),
      position: { file: file("package.ts"), line: 1, column: 19 },
    });
  });

  test("what a package requires in vain is the package's", () => {
    const error = Object.assign(new Error("Cannot find module 'absent'"), {
      requireStack: ["/pkg/index.js"],
    });
    expect(loadProblems("api", "/srv/api.ts", error, at)[0]).toMatchObject({
      code: "MODULE_NOT_FOUND",
      message: 'Cannot load service "api": /pkg/index.js imports "absent", which does not exist',
    });
  });

  test("a module that is there is not called missing", () => {
    const text = `Loading unprepared module: file://${file("throws.ts")}, imported from: file://${file("package.ts")}`;
    const [problem] = loadProblems("api", file("package.ts"), denoError(text), at);
    expect(problem?.code).toBe("MODULE_THREW");
  });

  test("a throw at load points at the throw", async () => {
    const [problem] = loadProblems("api", file("throws.ts"), await bunError("throws.ts"), at);
    expect(problem).toMatchObject({
      code: "MODULE_THREW",
      message: expect.stringContaining("boom at load"),
      position: { file: file("throws.ts"), line: 2 },
    });
  });

  test("a throw without a place points at services.yaml", () => {
    expect(loadProblems("api", "/srv/api.ts", "just a string", at)).toEqual([
      {
        code: "MODULE_THREW",
        message: 'Cannot load service "api": its module threw while it was loaded: just a string',
        hint: expect.any(String),
        position: at,
      },
    ]);
  });
});
