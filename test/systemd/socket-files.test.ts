import { expect, test } from "bun:test";
import { join } from "node:path";
import { readPlan } from "../../src/config/read-plan.ts";
import { forbiddenSockets, vanishingSockets } from "../../src/systemd/socket-files.ts";
import { tempDir } from "../support/temp-dir.ts";

async function planOf(yaml: string) {
  using folder = tempDir({ "services.yaml": `name: shop\n${yaml}`, "a.ts": "" });
  return (await readPlan({ file: join(folder.path, "services.yaml"), variables: {} })).plan;
}

test("vanishingSockets() are those of systemd in the folder that goes with the service, and no others", async () => {
  const plan = await planOf(`services:
  a: { module: ./a.ts, http: { listen: systemd:a, unix: /run/shop/a.sock } }
  b: { module: ./a.ts, http: { listen: systemd:b, unix: /var/run/shop/b.sock } }
  c: { module: ./a.ts, http: { listen: systemd:c, unix: /run/shop.sock } }
  d: { module: ./a.ts, http: { listen: systemd:d, unix: /run/shop-d/d.sock } }
  e: { module: ./a.ts, http: { unix: /run/shop/e.sock } }
`);
  expect(vanishingSockets(plan)).toEqual(["/run/shop/a.sock", "/var/run/shop/b.sock"]);
});

test("forbiddenSockets() are the supervisor's own outside of the folders of the unit", async () => {
  const plan = await planOf(`admin: { listen: "unix:/srv/shop/admin.sock" }
services:
  a: { module: ./a.ts, http: { unix: /srv/shop/run/a.sock } }
  b: { module: ./a.ts, http: { unix: /run/shop/b.sock } }
  c: { module: ./a.ts, http: { unix: /var/lib/shop/c.sock } }
  d: { module: ./a.ts, http: { listen: systemd:d, unix: /srv/d.sock } }
  e: { module: ./a.ts, http: { port: 0 } }
`);
  expect(forbiddenSockets(plan)).toEqual(["/srv/shop/run/a.sock", "/srv/shop/admin.sock"]);
});
