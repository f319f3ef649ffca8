import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { TempDir } from "../support/temp-dir.ts";
import { tempDir } from "../support/temp-dir.ts";

const root = join(import.meta.dir, "../..");
const deno = join(root, "node_modules/deno/deno");

/** Stands for the supervisor: says which signals reach it, ends half a second after the first one. */
const standIn = `
const got = [];
const end = (signal) => {
  got.push(signal);
  if (got.length === 1) setTimeout(() => { console.log("stop report: " + got.join(" ")); process.exit(7); }, 500);
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(signal));
console.log("args: " + process.argv.slice(2).join(" "));
console.log("ready " + process.pid);
setTimeout(() => process.exit(99), 20_000);
`;

/** A clone of this repository whose binary and whose src/main.ts are the stand-in. */
function clone(): TempDir {
  const folder = tempDir({ "src/main.ts": standIn });
  for (const name of ["package.json", "bun.lock", "deno.json", "deno.lock", "build.ts"]) {
    copyFileSync(join(root, name), join(folder.path, name));
  }
  mkdirSync(join(folder.path, "scripts"));
  copyFileSync(join(root, "scripts/task.mjs"), join(folder.path, "scripts/task.mjs"));
  symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
  const script = `#!/bin/sh\nexec "${process.execPath}" "${join(folder.path, "src/main.ts")}" "$@"\n`;
  chmodSync(folder.write("dist/supervisor", script), 0o755);
  return folder;
}

/** Runs `command` in a terminal of its own, and resolves with how it ended and what the user saw. */
async function inTerminal(command: string[], cwd: string, onReady: (child: Bun.Subprocess) => void) {
  let seen = "";
  let acted = false;
  const child = Bun.spawn(command, {
    cwd,
    env: { ...process.env, NO_COLOR: "1" },
    terminal: {
      cols: 200,
      data(_terminal, data) {
        seen += new TextDecoder().decode(data);
        if (acted || !seen.includes("ready ")) return;
        acted = true;
        onReady(child);
      },
    },
  });
  await child.exited;
  // The last output may come after the exit.
  for (let wait = 0; wait < 20 && !seen.includes("stop report"); wait++) await Bun.sleep(50);
  return { code: child.exitCode, signal: child.signalCode, seen };
}

const runners = [
  { name: "npm", command: ["npm", "start"], missing: Bun.which("npm") ? "" : " (skipped: there is no npm)" },
  { name: "bun", command: [process.execPath, "run", "start"], missing: "" },
  {
    name: "deno task",
    command: [deno, "task", "start"],
    missing: existsSync(deno) ? "" : " (skipped: there is no deno)",
  },
];

for (const { name, command, missing } of runners) {
  describe.skipIf(missing !== "")(`${name} start${missing}`, () => {
    test("Ctrl-C reaches the binary once, its last lines are seen, its exit code comes through", async () => {
      using folder = clone();
      const { code, seen } = await inTerminal(command, folder.path, (child) =>
        child.terminal?.write("\u0003"),
      );
      expect(seen).toContain("args: run services.yaml");
      expect(seen).toMatch(/stop report: SIGINT\r?\n/);
      expect(code).toBe(7);
    });

    test("SIGTERM to it in a terminal reaches the binary once, and it waits for the binary", async () => {
      using folder = clone();
      const { code, seen } = await inTerminal(command, folder.path, (child) => child.kill("SIGTERM"));
      expect(seen).toMatch(/stop report: SIGTERM\r?\n/);
      expect(code).toBe(7);
    });

    test.each(["SIGTERM", "SIGINT"] as const)(
      "%s without a terminal reaches the binary once",
      async (signal) => {
        using folder = clone();
        const child = Bun.spawn(command, {
          cwd: folder.path,
          stdout: "pipe",
          stderr: "ignore",
          stdin: "ignore",
        });
        let seen = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          const wasReady = seen.includes("ready ");
          seen += text;
          if (!wasReady && seen.includes("ready ")) child.kill(signal);
        }
        await child.exited;
        expect(seen).toMatch(new RegExp(`stop report: ${signal}\n`));
        expect(child.exitCode).toBe(7);
      },
    );
  });
}

test("task.mjs refuses a verb that it does not know", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/task.mjs", "biuld"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(status).toBe(64);
  expect(stderr).toContain("start|test|build|bench|docs");
});
