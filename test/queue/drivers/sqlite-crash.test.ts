import { expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../../src/core/clock.ts";
import { openSqlite } from "../../../src/queue/drivers/sqlite.ts";
import { crashRun } from "../../support/crash-run.ts";
import { newOwner, silent } from "../../support/queue-sites.ts";
import { tempDir } from "../../support/temp-dir.ts";

// The long run: CRASH_MESSAGES=10000 CRASH_ROUNDS=20 bun test --isolate test/queue/drivers/sqlite-crash.test.ts
const messages = Number(process.env.CRASH_MESSAGES ?? 1_500);
const rounds = Number(process.env.CRASH_ROUNDS ?? 1);

test(
  `sqlite: ${messages} messages, their consumers killed at random points, ${rounds} time(s): none is lost`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      using dir = tempDir();
      const url = `sqlite:${dir.path}/queue.db`;
      const driver = openSqlite({
        name: "main",
        url,
        clock: systemClock,
        random: Math.random,
        log: silent,
        owner: newOwner(),
        onConnection: () => {},
      });
      await driver.connect();
      const effects = join(dir.path, "effects");
      const report = await crashRun(driver, { kind: "sqlite", url, effects, messages });
      await driver.close();
      if (rounds > 1) console.log(`round ${round + 1}: ${JSON.stringify(report)}`);
      expect(report.lost).toBe(0);
      // Only what was handled and not settled yet comes again: at most what one consumer holds at a time.
      expect(report.duplicates).toBeLessThanOrEqual(20 * report.kills);
      expect(report.kills).toBeGreaterThan(0);
    }
  },
  150_000 * rounds,
);
