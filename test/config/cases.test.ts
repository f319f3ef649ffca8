import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPlan } from "../../src/config/read-plan.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { renderProblems } from "../../src/core/render-problems.ts";

/*
 * Every folder of test/config-cases/ is one case: its services.yaml gives what its expected.txt says, the
 * rendered problems or the plan. After a change that is meant, `UPDATE=1 bun test test/config/cases.test.ts`
 * writes them anew; read the difference.
 */

interface Arguments {
  readonly env?: string;
  readonly only?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly file?: string;
}

const root = join(import.meta.dir, "..", "config-cases");
const names = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

test.each(names)("readPlan() gives what is expected: %s", async (name) => {
  const folder = join(root, name);
  const expected = join(folder, "expected.txt");
  const found = await outcome(folder, readArguments(join(folder, "args.json")));
  if (process.env.UPDATE) writeFileSync(expected, found);
  expect(found).toBe(readFileSync(expected, "utf8"));
});

async function outcome(folder: string, args: Arguments): Promise<string> {
  const { file = "services.yaml", variables = {}, ...options } = args;
  const values = Object.entries(variables).map(([name, value]) => [name, value.replaceAll("<case>", folder)]);
  try {
    const { plan } = await readPlan({
      ...options,
      file: join(folder, file),
      variables: Object.fromEntries(values),
      cron: () => import("../../src/schedule/cron.ts"),
    });
    return relativeTo(folder, `${JSON.stringify(plan, undefined, 2)}\n`);
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return relativeTo(folder, `${renderProblems(error.problems, { color: false, cwd: folder })}\n`);
  }
}

function readArguments(file: string): Arguments {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Arguments) : {};
}

function relativeTo(folder: string, text: string): string {
  return text.replaceAll(`${folder}/`, "<case>/").replaceAll(folder, "<case>");
}
