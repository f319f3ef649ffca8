import { expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const root = join(import.meta.dir, "../..");
const page = readFileSync(join(root, "docs/services.md"), "utf8");
const examples = [...page.matchAll(/```ts\n([\s\S]+?)```/g)].map((match) => match[1] as string);

describeTargets("docs/services.md", (target) => {
  test("has an example of every shape, and each of them loads as a service", async () => {
    expect(examples.length).toBeGreaterThan(8);
    const files = Object.fromEntries(examples.map((text, index) => [`s${index}.ts`, text]));
    const services = examples.map((_, index) => `  s${index}: { module: ./s${index}.ts }\n`).join("");
    const yaml = `name: page\nadmin: false\nservices:\n${services}`;
    using folder = tempDir({ ...files, "services.yaml": yaml, "package.json": '{ "type": "module" }\n' });
    symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
    const { code, stderr } = await runSupervisorCli(target, ["check"], { cwd: folder.path });
    expect([code, stderr]).toEqual([0, ""]);
  }, 30_000);
});
