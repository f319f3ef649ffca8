import assert from "node:assert/strict";
import type { ScheduleRun } from "../../src/core/task.ts";
import type { DriverCase } from "./queue-site.ts";

const run = (at: number, over: Partial<ScheduleRun> = {}): ScheduleRun => ({
  at,
  outcome: "running",
  owner: "host:1:a",
  ...over,
});

export const scheduleCases: readonly DriverCase[] = [
  {
    name: "schedules: claim() is true for exactly one of many that want the same time",
    async run(site) {
      const drivers = [await site.open(), await site.open(), await site.open()];
      const at = site.clock.wall();
      const claims = drivers.flatMap(({ schedules }) => [
        schedules.claim("nightly", run(at)),
        schedules.claim("nightly", run(at)),
      ]);
      assert.equal((await Promise.all(claims)).filter(Boolean).length, 1);
      const [one, two] = drivers;
      assert.equal(await two?.schedules.claim("nightly", run(at + 60_000)), true, "another time");
      assert.equal(await one?.schedules.claim("hourly", run(at)), true, "another schedule");
    },
  },
  {
    name: "schedules: history() has the runs, the newest first, running until they are finished",
    async run(site) {
      const { schedules } = await site.open();
      const at = site.clock.wall();
      for (const offset of [0, 1_000, 2_000]) await schedules.claim("s", run(at + offset));
      const done = run(at, { outcome: "done", startedAt: at + 3, durationMs: 20 });
      await schedules.finish("s", done);
      const broken = run(at + 1_000, {
        outcome: "failed",
        startedAt: at + 1_000,
        durationMs: 5,
        error: "no disk",
      });
      await schedules.finish("s", broken);
      await schedules.claim("s", run(at + 3_000, { outcome: "skipped", cause: "overlap" }));
      assert.deepEqual(await schedules.history("s", 3), [
        run(at + 3_000, { outcome: "skipped", cause: "overlap" }),
        run(at + 2_000),
        broken,
      ]);
      assert.deepEqual((await schedules.history("s", 100)).at(-1), done);
      assert.deepEqual(await schedules.history("unknown", 5), []);
    },
  },
  {
    name: "schedules: state() knows the last planned time that was claimed; a manual run was not planned",
    async run(site) {
      const [one, other] = [await site.open(), await site.open()];
      const at = site.clock.wall();
      assert.deepEqual(await one.schedules.state("s"), { paused: false });
      await one.schedules.claim("s", run(at));
      await one.schedules.claim("s", run(at - 60_000, { cause: "catch-up" }));
      await one.schedules.claim("s", run(at + 5_000, { cause: "manual" }));
      assert.deepEqual(await other.schedules.state("s"), { lastAt: at, paused: false });
    },
  },
  {
    name: "schedules: setPaused() is remembered, also for one that never ran",
    async run(site) {
      const [one, other] = [await site.open(), await site.open()];
      await one.schedules.setPaused("s", true);
      assert.deepEqual(await other.schedules.state("s"), { paused: true });
      await other.schedules.setPaused("s", false);
      assert.deepEqual(await one.schedules.state("s"), { paused: false });
    },
  },
  {
    name: "schedules: announce() may be called again and again",
    async run(site) {
      const { schedules } = await site.open();
      const notice = {
        entry: "s",
        cron: "* * * * *",
        type: "t",
        payload: "",
        queue: "q",
        next: site.clock.wall(),
      };
      await schedules.announce([notice]);
      await schedules.announce([{ ...notice, previous: site.clock.wall() }]);
    },
  },
];
