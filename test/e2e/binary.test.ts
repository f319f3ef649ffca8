import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../support/targets.ts";
import { spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const root = join(import.meta.dir, "../..");

test("the compiled binary runs a TypeScript service with its own hono, moved and called from elsewhere", async () => {
  using built = tempDir();
  using moved = tempDir();
  using elsewhere = tempDir({ ".env": "LEAK=from-dotenv\n", "bunfig.toml": 'preload = ["./absent.ts"]\n' });
  using project = tempDir({
    "services.yaml": "admin: false\nservices:\n  app: { module: ./services/app.ts, http: { port: 0 } }\n",
    "package.json": '{ "type": "module", "imports": { "#greet": "./services/greet.ts" } }',
    "services/app.ts": `import { greet } from "#greet";
import { Hono } from "hono";
import { PermanentError, ServiceGroup, withStart } from "supervisor";
enum Mood { Good = "good" }
const app = new Hono();
app.get("/names", (c) => c.json([PermanentError, ServiceGroup, withStart].map(({ name }) => name)));
app.get("/", (c) => c.json({ greeting: greet("Ada"), mood: Mood.Good, leak: process.env.LEAK ?? null }));
export default app;
`,
    "services/greet.ts": "export const greet = (name: string): string => `Hello ${name}`;\n",
  });
  cpSync(join(root, "node_modules/hono"), join(project.path, "node_modules/hono"), { recursive: true });

  const compiled = join(built.path, "supervisor");
  const build = spawnSync(process.execPath, [join(root, "build.ts"), "--outfile", compiled], {
    encoding: "utf8",
  });
  expect(build.stderr).toBe("");
  expect(readdirSync(built.path)).toEqual(["supervisor"]);
  const binary = join(moved.path, "supervisor");
  renameSync(compiled, binary);
  const target: Target = { name: "binary", command: [binary] };

  await using running = spawnSupervisor(target, ["run", join(project.path, "services.yaml")], {
    cwd: elsewhere.path,
    env: { PATH: "/nowhere", HOME: "/nowhere" },
  });
  const [url] = await running.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
  expect(await (await fetch(url)).json()).toEqual({ greeting: "Hello Ada", mood: "good", leak: null });
  const names = ["PermanentError", "ServiceGroup", "withStart"];
  expect(await (await fetch(`${url}/names`)).json()).toEqual(names);
  running.signal("SIGTERM");
  expect((await running.exit).code).toBe(0);
}, 60_000);
