import { expect, test } from "bun:test";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { lacksSmallDisk, onFullDisk } from "../support/small-disk.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

/* Commands straight on the embedded broker when its disk has no room at all. */

describeTargets("a full disk", (target) => {
  const why = lacksSmallDisk ? ` (skipped: ${lacksSmallDisk})` : "";

  /** A queue with one task, as it was left; `keeps`: what of it is on the disk that is full. */
  async function queueLeft(keeps: "all" | "no index" | "closed") {
    const dir = tempDir();
    const [seen, made] = [`${dir.path}/disk`, `${dir.path}/made`];
    for (const folder of [seen, made]) mkdirSync(folder);
    const config = `${dir.path}/services.yaml`;
    const service = `services:\n  one: { module: ${fixtures}/loss-consumer.ts, consume: { queue: default } }\n`;
    writeFileSync(config, `brokers: { main: "sqlite:${made}/queue.db" }\n${service}`);
    const added = await runSupervisorCli(target, ["task", "enqueue", "mail", "-f", config, "--id", "t1"]);
    expect(added).toMatchObject({ code: 0 });
    let from = made;
    if (keeps !== "closed") {
      // As somebody leaves it who is killed.
      const open = new DatabaseSync(`${made}/queue.db`);
      open.exec("UPDATE tasks SET type = 'late'");
      from = `${dir.path}/left`;
      cpSync(made, from, { recursive: true });
      open.close();
      if (keeps === "no index") rmSync(`${from}/queue.db-shm`);
    }
    writeFileSync(config, `brokers: { main: "sqlite:${seen}/queue.db" }\n${service}`);
    return {
      run: (...args: string[]) => runSupervisorCli(onFullDisk(target, seen, from), [...args, "-f", config]),
      [Symbol.dispose]: () => dir[Symbol.dispose](),
    };
  }

  for (const [keeps, type] of [
    ["closed", "mail"],
    ["all", "late"],
  ] as const) {
    const how = keeps === "closed" ? "was closed" : "somebody was killed with";
    test.skipIf(lacksSmallDisk !== undefined)(
      `queue ls and task ls read a queue that ${how}${why}`,
      async () => {
        using left = await queueLeft(keeps);
        const queues = await left.run("queue", "ls");
        expect(queues).toMatchObject({ code: 0, stderr: "" });
        expect(queues.stdout).toMatch(/^default +running +1 /m);
        const tasks = await left.run("task", "ls");
        expect(tasks.stdout).toMatch(new RegExp(`^t1 +default +${type} +pending`, "m"));
        expect(await left.run("task", "delete", "--queue", "default")).toMatchObject({
          code: 1,
          stdout: expect.stringContaining("1 task would be deleted"),
        });
      },
    );
  }

  test.skipIf(lacksSmallDisk !== undefined)(
    `what cannot be read there, or writes, says that the disk is full, and what to do${why}`,
    async () => {
      using left = await queueLeft("no index");
      for (const args of [
        ["queue", "ls"],
        ["queue", "pause", "default"],
      ]) {
        const { code, stderr } = await left.run(...args);
        expect([code, stderr]).toEqual([
          70,
          expect.stringContaining("its disk is full (BROKER_UNREACHABLE)"),
        ]);
        expect(stderr).toContain("See whether its disk is full or failing");
      }
    },
    20_000,
  );
});
