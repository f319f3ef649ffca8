import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "../support/system.ts";
import { fixtures, startFile } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

/*
 * Messages of one key, of which the first one takes long and fails once, while what handles them is replaced: each begins
 * after the end of the one before, whoever handles it.
 */

const slow = 60_000;

const yaml = (isolation: string, concurrency = 8) => `
name: turns
admin: { listen: "127.0.0.1:0" }
brokers: { main: "sqlite:./queue.db" }
services:
  desk: { module: ${fixtures}/key-turns.ts, http: { port: 0 } }
  turns:
    module: ${fixtures}/key-turns.ts
    isolation: ${isolation}
    restart: { backoff: { min: 10ms } }
    consume: { queue: turns, key: data.k, concurrency: ${concurrency}, retry: { backoff: { min: 300ms, factor: 1 } } }
`;

describeTargets("the order of a key", (target) => {
  for (const isolation of ["inline", "worker"]) {
    test(
      `holds across a reload of consume: with isolation: ${isolation}`,
      () =>
        run(target, isolation, async ({ system, folder, begun }) => {
          await enqueue(system, 1, 5);
          await begun("+1");
          folder.write("services.yaml", yaml(isolation, 9));
          system.process.signal("SIGHUP");
          return [1, 2, 3, 4, 5];
        }),
      slow,
    );
  }

  test(
    "holds across a restart of a service in a thread of its own",
    () =>
      run(target, "worker", async ({ system, begun }) => {
        await enqueue(system, 1, 5);
        await begun("+1");
        const env = { XDG_RUNTIME_DIR: system.folder.path };
        const { code } = await runSupervisorCli(target, ["restart", "turns", "--name", "turns"], { env });
        expect(code).toBe(0);
        return [1, 2, 3, 4, 5];
      }),
    slow,
  );

  test(
    "holds across the death of the thread: what it had is there again before the next one claims",
    () =>
      run(target, "worker", async ({ system, begun }) => {
        await enqueue(system, 0, 3);
        await begun("+0");
        await enqueue(system, 4, 5);
        return [0, 1, 2, 3, 4, 5];
      }),
    slow,
  );
});

interface Scene {
  readonly system: System;
  /** Of services.yaml. */
  readonly folder: ReturnType<typeof tempDir>;
  /** Waits until `mark` is written. */
  begun(mark: string): Promise<unknown>;
}

/** Plays `scene`, and looks whether the numbers that it answers with were handled one after the other. */
async function run(target: Target, isolation: string, scene: (scene: Scene) => Promise<readonly number[]>) {
  using folder = tempDir({ "services.yaml": yaml(isolation) });
  const turns = join(folder.path, "turns");
  await using system = startFile(target, join(folder.path, "services.yaml"), { env: { TURNS: turns } });
  const written = () => (existsSync(turns) ? readFileSync(turns, "utf8").split("\n").slice(0, -1) : []);
  await system.ready();
  await system.url();
  const begun = (mark: string) => until(async () => written().includes(mark), Boolean);
  const numbers = await scene({ system, folder, begun });
  await until(
    async () => written(),
    (marks) => marks.includes("-5"),
    12_000,
  );
  // The first one was begun once more: after its failure, or by another thread.
  const again = `+${numbers[0]}`;
  const expected = [
    again,
    ...numbers.flatMap((n) => (n === 1 && numbers[0] === 0 ? ["+1", "+1", "-1"] : [`+${n}`, `-${n}`])),
  ];
  expect(written()).toEqual(expected);
  expect((await system.stop()).code).toBe(0);
}

async function enqueue(system: System, from: number, to: number): Promise<void> {
  const answer = await fetch(`${await system.url("desk")}/?from=${from}&to=${to}`);
  expect(await answer.text()).toBe("enqueued");
}
