import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { readPlan } from "../../src/config/read-plan.ts";
import { closedPaths } from "../../src/systemd/closed-paths.ts";
import { tempDir } from "../support/temp-dir.ts";

test("closedPaths() are the folders, modules and programs that are not open to every user", async () => {
  using temporary = tempDir({
    "shop/services.yaml": "services: { a: { module: ./in/a.ts }, b: { module: ./b.ts } }\n",
    "shop/in/a.ts": "",
    "shop/b.ts": "",
    "bin/supervisor": "",
  });
  const at = (path: string) => join(temporary.path, path);
  const folder = at("shop");
  const { plan } = await readPlan({ file: at("shop/services.yaml"), variables: {} });
  const closed = () =>
    closedPaths({ plan, program: at("bin/supervisor"), folder }).filter((path) =>
      path.startsWith(`${temporary.path}/`),
    );
  for (const path of ["shop", "shop/in", "bin", "bin/supervisor"]) chmodSync(at(path), 0o755);
  for (const path of ["shop/services.yaml", "shop/in/a.ts", "shop/b.ts"]) chmodSync(at(path), 0o644);
  expect(closed()).toEqual([]);
  chmodSync(at("shop/in"), 0o700);
  chmodSync(at("shop/b.ts"), 0o600);
  chmodSync(at("bin/supervisor"), 0o750);
  expect(closed()).toEqual([at("shop/in"), at("shop/b.ts"), at("bin/supervisor")]);
});
