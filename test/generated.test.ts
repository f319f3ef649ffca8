import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { documents } from "../scripts/generate-docs.ts";

const root = join(import.meta.dir, "..");

test.each(Object.entries(documents))("%s is up to date (npm run docs writes it)", (path, render) => {
  const file = join(root, path);
  expect(existsSync(file) ? readFileSync(file, "utf8") : "").toBe(render());
});
