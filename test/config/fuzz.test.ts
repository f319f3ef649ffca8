import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readEverydayYaml } from "../../src/config/everyday-yaml.ts";
import type { Node } from "../../src/config/node.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import { readFullYaml } from "../../src/config/yaml.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { renderProblems } from "../../src/core/render-problems.ts";
import { tempDir } from "../support/temp-dir.ts";

const valid = `# a valid file, for mutations
name: shop
admin: { listen: 127.0.0.1:6060 }
x-base: &base
  start_timeout: 5s
shutdown: { timeout: 20s, order: graph }
services:
  api:
    <<: *base
    module: ./a.ts
    http: { port: 8080, limits: { body: 1MiB } }
    depends_on: { db: ready }
    config:
      url: "\${URL:-postgres://u:secret99@h/db}"
      list:
      - one
      - 2 # two
    env: { A: 1, 'B': "two" }
  db:
    module: ./a.ts # shared
    restart: { limit: 3, backoff: { min: 1s } }
`;
/** The same without what only the full parser reads. */
const everyday = valid.replace("x-base: &base\n  start_timeout: 5s\n", "").replace("    <<: *base\n", "");

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const snippet = fc.oneof(
  fc.constantFrom(
    "\n",
    " ",
    "  ",
    ":",
    ": ",
    "- ",
    "-",
    "#",
    " #",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "|",
    ">",
    "'",
    '"',
    "\\",
    "\t",
    "---\n",
    "...\n",
    "%",
    "@",
    "!x ",
    "<<",
    "?",
    "? ",
    "~",
    "null",
    "0x1",
    "${",
    "}",
    "$$",
    "\r\n",
    "\r",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "🚀",
    "é",
    "\n\n  ",
    "a: 1\n",
    "__proto__: 1\n",
    "\0",
  ),
  fc.string({ maxLength: 3 }),
);
const edit = fc.record({ at: fc.nat(1_000), remove: fc.nat(6), insert: snippet });
const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
const fewEdits = fc.array(edit, { minLength: 1, maxLength: 2 });

function mutate(text: string, changes: readonly Edit[]): string {
  return changes.reduce((result, { at, remove, insert }) => {
    const start = at % (result.length + 1);
    return result.slice(0, start) + insert + result.slice(start + remove);
  }, text);
}

test("readPlan() throws nothing but ProblemsError, and each can be rendered", async () => {
  using project = tempDir({ "a.ts": "export default {};\n" });
  const file = join(project.path, "services.yaml");
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      writeFileSync(file, mutate(valid, changes));
      try {
        await readPlan({ file, variables: {} });
      } catch (error) {
        if (!(error instanceof ProblemsError)) throw error;
        expect(error.problems.length).toBeGreaterThan(0);
        for (const { position } of error.problems) {
          if (!position) continue;
          expect(position.line).toBeGreaterThan(0);
          expect(position.column).toBeGreaterThan(0);
          expect(position.length).toBeGreaterThan(0);
        }
        expect(renderProblems(error.problems, { color: false, cwd: project.path })).toContain(
          "nothing was started",
        );
      }
    }),
    { numRuns: 300 },
  );
}, 30_000);

test("readEverydayYaml() reads what it takes exactly as the full parser does", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fewEdits, async (changes) => {
      const source = { file: "/services.yaml", text: mutate(everyday, changes) };
      const quick = readEverydayYaml(source);
      if (!quick) return;
      taken++;
      const full = await readFullYaml(source);
      expect(full.problems).toEqual([]);
      expect(outline(quick)).toEqual(outline(full.root as Node));
    }),
    { numRuns: 3_000 },
  );
  // Otherwise the comparison above compares nothing.
  expect(taken).toBeGreaterThan(300);
}, 30_000);

test("readEverydayYaml() takes what an everyday file has", () => {
  expect(readEverydayYaml({ file: "/services.yaml", text: everyday })).toBeDefined();
  expect(readEverydayYaml({ file: "/services.yaml", text: `---\n${everyday}` })).toBeDefined();
});

/** Everything that the two must agree on; collections have no end, and nothing has no place. */
function outline(node: Node): unknown {
  if (node.tag === "map") {
    return node.entries.map(({ name, start, end, value }) => [name, start, end, outline(value)]);
  }
  if (node.tag === "list") return { items: node.items.map(outline) };
  const { text, plain, start, end } = node;
  return text === "" && plain ? "nothing" : { text, plain, start, end };
}
