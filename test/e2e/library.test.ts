import { expect, test } from "bun:test";
import { join } from "node:path";
import { fixtures, startProgram } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, programCommand } from "../support/targets.ts";

const slow = 20_000;

function run(target: Target, way: string, env: Readonly<Record<string, string>> = {}) {
  const command = programCommand(target, join(fixtures, "program.ts"));
  return startProgram(target, command, { env: { ...env, WAY: way } });
}

describeTargets("a program that uses the library", (target) => {
  if (target.name === "binary") {
    test.skip("(skipped: a binary runs no main.ts)", () => {});
    return;
  }

  test(
    "ends when a signal had to cut a service off, with exit code 75, after its main has had its turn",
    async () => {
      await using program = run(target, "hangs");
      await program.ready();
      const { code, elapsedMs } = await program.stop("SIGTERM");
      expect(code).toBe(75);
      expect(elapsedMs).toBeLessThan(2_500);
      expect(program.process.stdout).toBe('[{"tag":"signal","signal":"SIGTERM"},"forced"]\n');
    },
    slow,
  );

  test(
    "tells that its port is taken as supervisor run does, and fails with exit code 70",
    async () => {
      using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("taken") });
      await using program = run(target, "listens", { TAKEN: `${taken.port}` });
      expect((await program.process.exit).code).toBe(70);
      const message = `Cannot listen on 127.0.0.1:${taken.port} for service "listens": the port is already in use`;
      expect(program.process.stderr).toStartWith(
        `ADDRESS_IN_USE  ${message}\nhelp: Find who has it with: ss `,
      );
      expect(program.process.stderr.trimEnd().split("\n")).toHaveLength(4);
      expect(program.process.stdout).toBe(`${JSON.stringify([{ tag: "failure", message }, "clean"])}\n`);
    },
    slow,
  );

  test(
    "stops both of two groups at one signal",
    async () => {
      await using program = run(target, "pair");
      await program.ready();
      // Long enough for the watch of either to have looked more than once.
      await Bun.sleep(500);
      expect((await program.stop("SIGINT")).code).toBe(0);
      expect(program.log.filter(({ msg }) => msg.startsWith("stopped in order"))).toHaveLength(2);
      // Console and process.exit are the program's own again.
      expect(program.process.stdout).toEndWith("both have ended\n");
    },
    slow,
  );

  test(
    "goes on as its main wants to when that has stopped the group itself",
    async () => {
      await using program = run(target, "goes-on");
      const since = performance.now();
      expect((await program.process.exit).code).toBe(75);
      expect(performance.now() - since).toBeGreaterThan(2_300);
      expect(program.process.stdout).toBe('[{"tag":"request"},"forced"]\n');
    },
    slow,
  );
});
