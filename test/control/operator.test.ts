import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(import.meta.dir));
const program = join(root, "test/support/operator/main.ts");
const folder = mkdtempSync(join(tmpdir(), "operator-test-"));
const compiled = join(folder, "program");

// Not `bun run` or `deno` from the PATH: the versions that the lockfile names.
const deno = join(root, "node_modules/.bin/deno");
const targets: Record<string, readonly string[]> = {
  "bun run": [process.execPath, "run", program],
  "compiled by bun": [compiled],
  "deno run": [deno, "run", "-A", program],
};

beforeAll(() => {
  const entries = [program, fileURLToPath(new URL("../support/operator/operator.ts", import.meta.url))];
  const build = spawnSync(process.execPath, ["build", "--compile", ...entries, "--outfile", compiled]);
  if (build.status !== 0) throw new Error(`bun build failed: ${build.stderr}`);
});

// Each test waits for a program's deadlines; they are asserted, not this.
setDefaultTimeout(30_000);

const running = new Set<ChildProcess>();

afterAll(() => {
  // A test that failed half-way leaves a program that would spin for ever.
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, command] of Object.entries(targets)) {
  describe.concurrent(`operator's plane, ${name}`, () => {
    test("/livez names the service that blocks the loop within 3 s, and answers within 100 ms", async () => {
      const run = start(command, { budgetMs: 5_000, steps: ["wait 50", "spin 2"] });
      const url = await run.url();
      await run.line("freezing");
      const frozenAt = performance.now();
      let answer = await ask(`${url}/livez`);
      while (answer.status === 200 && performance.now() - frozenAt < 5_000) {
        await pause(50);
        answer = await ask(`${url}/livez`);
      }
      expect(answer.status).toBe(503);
      expect(performance.now() - frozenAt).toBeLessThan(3_000);
      // The quickest of some: this machine is busy with the other tests.
      const answers = [await ask(`${url}/livez`), await ask(`${url}/livez`), await ask(`${url}/livez`)];
      expect(Math.min(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(100);
      expect(answer.body).toContain('service "beta" blocks the event loop since 1.');
      expect((await ask(`${url}/readyz`)).status).toBe(503);
      const record = await run.record('service "beta" blocks the event loop');
      expect(performance.now() - frozenAt).toBeLessThan(3_000);
      expect(record).toMatchObject({ level: "error", service: "beta", certain: true });
      run.child.kill("SIGKILL");
      await run.exit;
    });

    test("a freeze that ends is told with its length, and /livez passes again", async () => {
      const run = start(command, { budgetMs: 5_000, steps: ["hang 0 2000", "wait 60000"] });
      const url = await run.url();
      const record = await run.record("the event loop turns again after");
      expect(record.level).toBe("warn");
      expect(record.blockedMs).toBeGreaterThan(1_250);
      expect(record.blockedMs).toBeLessThan(3_000);
      expect(await ask(`${url}/livez`)).toMatchObject({ status: 200, body: "ok\n" });
      run.child.kill("SIGKILL");
      await run.exit;
    });

    test("SIGTERM while the loop is blocked ends the process with 75 inside its budget", async () => {
      const file = join(folder, `report-${name.replaceAll(" ", "-")}.json`);
      const run = start(command, { budgetMs: 3_000, steps: ["wait 800", "hang 1"], stopReportFile: file });
      await run.line("freezing");
      await pause(200);
      const signalAt = performance.now();
      run.child.kill("SIGTERM");
      const { code } = await run.exit;
      expect(code).toBe(75);
      expect(performance.now() - signalAt).toBeLessThan(3_000);
      expect(performance.now() - signalAt).toBeGreaterThan(2_000);
      const last = await run.record("the stop took longer than its budget of 3s");
      expect(last).toMatchObject({ level: "fatal", exitCode: 75 });
      expect(last.msg).toContain("not stopped: alpha (ready)");
      const report = JSON.parse(readFileSync(file, "utf8"));
      expect(report).toMatchObject({ outcome: "forced", cause: { tag: "signal", signal: "SIGTERM" } });
      expect(report.services[0]).toMatchObject({ service: "alpha", outcome: "abandoned" });
    });

    test("a second signal while the loop is blocked ends the process at once with the signal's code", async () => {
      const run = start(command, { budgetMs: 30_000, steps: ["wait 800", "hang 1"] });
      await run.line("freezing");
      run.child.kill("SIGTERM");
      await pause(300);
      run.child.kill("SIGINT");
      const secondAt = performance.now();
      const { code } = await run.exit;
      expect(code).toBe(130);
      expect(performance.now() - secondAt).toBeLessThan(2_000);
    });

    test("a signal while the loop turns is left to main", async () => {
      const run = start(command, { budgetMs: 600, steps: ["wait 300", "wait 1500", "close"] });
      await run.url();
      run.child.kill("SIGTERM");
      await run.line("main got SIGTERM");
      const { code } = await run.exit;
      expect(code).toBe(0);
    });

    test("a stop that main never ends is ended with 75 shortly after its budget", async () => {
      const run = start(command, { budgetMs: 1_000, steps: ["stop"] });
      const stopAt = Number((await run.line("stopping ")).split(" ")[1]);
      using machine = lateness();
      const { code } = await run.exit;
      expect(code).toBe(75);
      const last = await run.record("ending the process");
      const tookMs = Date.parse(String(last.time)) - stopAt;
      expect(tookMs).toBeGreaterThanOrEqual(1_000);
      expect(tookMs).toBeLessThan(1_500 + machine.worstMs);
      expect(last.msg).toContain("alpha (stopping)");
    });

    test("close() ends the thread at once, and nothing keeps the process", async () => {
      const run = start(command, { budgetMs: 1_000, steps: ["wait 100", "close"] });
      await run.url();
      const closed = await run.line("closed ");
      expect(Number(closed.split(" ")[1])).toBeLessThan(450);
      expect((await run.exit).code).toBe(0);
      expect(run.stderr()).toBe("");
    });

    test("a port in use is ADDRESS_IN_USE and leaves no process behind", async () => {
      const blocker = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => blocker.once("listening", resolve));
      const { port } = blocker.address() as { port: number };
      const run = start(command, { budgetMs: 1_000, steps: [], port });
      expect(await run.line("failed ")).toBe(
        `failed ADDRESS_IN_USE Cannot listen on 127.0.0.1:${port} for the admin listener: the port is already in use`,
      );
      expect((await run.exit).code).toBe(70);
      blocker.close();
    });
  });
}

interface Settings {
  readonly budgetMs: number;
  readonly steps: readonly string[];
  readonly port?: number;
  readonly stopReportFile?: string;
}

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<{ code: number | null }>;
  url(): Promise<string>;
  /** The first line on stdout that begins with `start`. */
  line(start: string): Promise<string>;
  /** The first record on stderr whose message contains `part`. */
  record(part: string): Promise<Record<string, unknown>>;
  /** All of it so far. */
  stderr(): string;
}

function start(command: readonly string[], settings: Settings): Run {
  const [file = "", ...rest] = command;
  const child = spawn(file, [...rest, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const exit = new Promise<{ code: number | null }>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code });
    });
  });
  const out = reader(child.stdout, exit);
  const err = reader(child.stderr, exit);
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  return {
    child,
    exit,
    url: async () => `http://${(await out((line) => line.startsWith("listening "))).slice(10)}`,
    stderr: () => stderr,
    line: (begin) => out((line) => line.startsWith(begin)),
    record: async (part) =>
      JSON.parse(await err((line) => line.startsWith("{") && JSON.parse(line).msg.includes(part))),
  };
}

function reader(
  stream: NodeJS.ReadableStream,
  exit: Promise<unknown>,
): (matches: (line: string) => boolean) => Promise<string> {
  let text = "";
  const waiting = new Set<() => void>();
  stream.on("data", (chunk) => {
    text += chunk;
    for (const look of waiting) look();
  });
  return (matches) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = text.split("\n").slice(0, -1).find(matches);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void exit.then(() => reject(new Error(`the program ended; it had written:\n${text}`)));
    });
}

async function ask(url: string): Promise<{ status: number; body: string; tookMs: number }> {
  const before = performance.now();
  const response = await fetch(url);
  const body = await response.text();
  return { status: response.status, body, tookMs: performance.now() - before };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How late timers of this machine are, at worst: what is asked of a program can be kept no better than that. */
function lateness(): Disposable & { readonly worstMs: number } {
  let worst = 0;
  let due = performance.now() + 10;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - due);
    due = performance.now() + 10;
  }, 10);
  return {
    get worstMs() {
      return worst;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
