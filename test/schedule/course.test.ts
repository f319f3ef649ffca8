import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Course, Occasion, Rules, Verdict } from "../../src/schedule/course.ts";
import { createCourse, decide, lateness, mostMissed } from "../../src/schedule/course.ts";
import { parseCron } from "../../src/schedule/cron.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.parse("2026-11-21T12:00:00Z");

const rulesWith = (changes: Partial<Rules> & { cron?: string } = {}): Rules => ({
  overlap: "skip",
  catchUp: "skip",
  jitter: 0,
  random: () => 0.5,
  times: parseCron(changes.cron ?? "0 * * * *"),
  ...changes,
});

/** A schedule that is open at noon, and what it has decided so far. */
function begun(rules: Rules, lastAt?: number, isOurs = true) {
  let course: Course = createCourse(rules, noon);
  let now = noon;
  const happen = (occasion: Occasion): readonly Verdict[] => {
    const [next, verdicts] = decide(course, occasion, rules, now);
    course = next;
    return verdicts;
  };
  const first = [...happen({ tag: "remembered", lastAt, isOurs }), ...happen({ tag: "opened" })];
  return {
    first,
    happen,
    wakeAt(time: number) {
      now = time;
      return happen({ tag: "wake" });
    },
    end: (cause: "clock" | "catch-up" = "clock") => happen({ tag: "ended", cause }),
    get course() {
      return course;
    },
  };
}

const run = (at: number, cause: "clock" | "catch-up" = "clock"): Verdict => ({
  tag: "run",
  due: { at, cause },
});
const skip = (at: number, cause: "overlap" | "paused" | "missed", count = 1): Verdict => ({
  tag: "skip",
  at,
  count,
  cause,
});

describe("decide()", () => {
  test("runs each planned time once, when it has come", () => {
    const schedule = begun(rulesWith());
    expect(schedule.first).toEqual([]);
    expect(schedule.wakeAt(noon + hour - 1)).toEqual([]);
    expect(schedule.wakeAt(noon + hour)).toEqual([run(noon + hour)]);
    schedule.end();
    expect(schedule.wakeAt(noon + hour + 1)).toEqual([]);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
  });

  test("with overlap skip leaves out the time at which the run before goes on", () => {
    const schedule = begun(rulesWith());
    schedule.wakeAt(noon + hour);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([skip(noon + 2 * hour, "overlap")]);
    expect(schedule.end()).toEqual([]);
    expect(schedule.wakeAt(noon + 3 * hour)).toEqual([run(noon + 3 * hour)]);
  });

  test("with overlap queue keeps one behind, and leaves out what comes after it", () => {
    const schedule = begun(rulesWith({ overlap: "queue" }));
    schedule.wakeAt(noon + hour);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([]);
    expect(schedule.wakeAt(noon + 3 * hour)).toEqual([skip(noon + 3 * hour, "overlap")]);
    expect(schedule.end()).toEqual([run(noon + 2 * hour)]);
    expect(schedule.end()).toEqual([]);
  });

  test("with overlap allow runs beside the one that goes on", () => {
    const schedule = begun(rulesWith({ overlap: "allow" }));
    schedule.wakeAt(noon + hour);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
    expect(schedule.course.active).toBe(2);
  });

  test("an operator's run counts for the overlap", () => {
    const schedule = begun(rulesWith());
    schedule.happen({ tag: "began" });
    expect(schedule.wakeAt(noon + hour)).toEqual([skip(noon + hour, "overlap")]);
    schedule.happen({ tag: "ended", cause: "manual" });
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
  });

  test("has nothing to catch up with when nothing ever ran", () => {
    expect(begun(rulesWith({ catchUp: "all" })).first).toEqual([]);
  });

  test("catches up at the start by its rule, from the last time that ran", () => {
    const lastAt = noon - 3.5 * hour;
    const halfPast = { cron: "30 * * * *" };
    expect(begun(rulesWith(halfPast), lastAt).first).toEqual([skip(noon - hour / 2, "missed", 3)]);
    expect(begun(rulesWith({ ...halfPast, catchUp: "once" }), lastAt).first).toEqual([
      skip(noon - 1.5 * hour, "missed", 2),
      run(noon - hour / 2, "catch-up"),
    ]);
    const all = begun(rulesWith({ ...halfPast, catchUp: "all" }), lastAt);
    expect(all.first).toEqual([run(noon - 2.5 * hour, "catch-up")]);
    expect(all.end("catch-up")).toEqual([run(noon - 1.5 * hour, "catch-up")]);
    expect(all.end("catch-up")).toEqual([run(noon - 0.5 * hour, "catch-up")]);
    expect(all.end("catch-up")).toEqual([]);
  });

  test("has nothing to catch up with when what ran last was planned by another expression", () => {
    const rules = rulesWith({ cron: "*/7 * * * *", catchUp: "all" });
    expect(begun(rules, noon - 59 * minute).first).toEqual([]);
    expect(begun(rules, noon - hour).first).toHaveLength(1);
    expect(begun(rules, noon - hour, false).first).toEqual([]);
  });

  test("takes a time that passed within the last minute of a restart as late, not as missed", () => {
    expect(begun(rulesWith(), noon - hour).first).toEqual([run(noon)]);
    expect(begun(rulesWith({ cron: "58 * * * *" }), noon - hour - 2 * minute).first).toEqual([
      skip(noon - 2 * minute, "missed"),
    ]);
  });

  test("catches up with the newest thousand at most", () => {
    const schedule = begun(rulesWith({ cron: "* * * * *", catchUp: "all" }), noon - 7 * 24 * hour);
    expect(schedule.first).toEqual([run(noon - 999 * minute, "catch-up")]);
    expect(schedule.course.waiting).toHaveLength(mostMissed - 1);
  });

  test("while it catches up with all, the times of the clock wait behind them in order", () => {
    const schedule = begun(rulesWith({ catchUp: "all" }), noon - 3 * hour);
    expect(schedule.first).toEqual([run(noon - 2 * hour, "catch-up")]);
    expect(schedule.wakeAt(noon + hour)).toEqual([]);
    expect(schedule.end("catch-up")).toEqual([run(noon - hour, "catch-up")]);
    expect(schedule.end("catch-up")).toEqual([run(noon)]);
    expect(schedule.end()).toEqual([run(noon + hour)]);
  });

  test("catches up one after the other even where runs may overlap", () => {
    const schedule = begun(
      rulesWith({ cron: "30 * * * *", catchUp: "all", overlap: "allow" }),
      noon - 2.5 * hour,
    );
    expect(schedule.first).toEqual([run(noon - 1.5 * hour, "catch-up")]);
    expect(schedule.end("catch-up")).toEqual([run(noon - 0.5 * hour, "catch-up")]);
  });

  test("takes what passed while the machine slept as missed, but the last minute as late", () => {
    const rules = rulesWith({ catchUp: "once" });
    const asleep = begun(rules);
    expect(asleep.wakeAt(noon + 3.5 * hour)).toEqual([
      skip(noon + 2 * hour, "missed", 2),
      run(noon + 3 * hour, "catch-up"),
    ]);
    const late = begun(rules);
    expect(late.wakeAt(noon + hour + lateness)).toEqual([run(noon + hour)]);
    const tooLate = begun(rulesWith());
    expect(tooLate.wakeAt(noon + hour + lateness + 1)).toEqual([skip(noon + hour, "missed")]);
  });

  test("a blocked event loop costs a fast schedule the times in between, not the newest", () => {
    const schedule = begun(rulesWith({ cron: "@every 1s" }));
    expect(schedule.wakeAt(noon + 5_200)).toEqual([skip(noon + 4_000, "missed", 4), run(noon + 5_000)]);
  });

  test("a clock that is set back runs nothing a second time", () => {
    const schedule = begun(rulesWith());
    schedule.wakeAt(noon + hour);
    schedule.end();
    expect(schedule.wakeAt(noon + hour - 10 * minute)).toEqual([]);
    expect(schedule.wakeAt(noon + hour)).toEqual([]);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
  });

  test("a clock that was a year ahead does not silence the schedule for a year", () => {
    const schedule = begun(rulesWith());
    schedule.wakeAt(noon + 366 * 24 * hour + 2 * minute);
    expect(schedule.wakeAt(noon + 2 * minute)).toEqual([]);
    expect(schedule.wakeAt(noon + hour)).toEqual([run(noon + hour)]);
  });

  test("a last time in the far future is not believed, one of a moment ago is", () => {
    const wrong = begun(rulesWith(), noon + 366 * 24 * hour);
    expect(wrong.wakeAt(noon + hour)).toEqual([run(noon + hour)]);
    const ahead = begun(rulesWith(), noon + hour);
    expect(ahead.wakeAt(noon + hour)).toEqual([]);
    expect(ahead.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
  });

  test("begins a random part of the jitter later, and before the next time", () => {
    const schedule = begun(rulesWith({ jitter: 10 * minute }));
    expect(schedule.wakeAt(noon + hour + 5 * minute - 1)).toEqual([]);
    expect(schedule.wakeAt(noon + hour + 5 * minute)).toEqual([run(noon + hour)]);
    const long = begun(rulesWith({ jitter: 10 * hour, random: () => 0.999 }));
    expect(long.course.next?.begin).toBeLessThan(noon + 2 * hour);
  });

  test("while paused, leaves out what comes due; afterwards goes on", () => {
    const schedule = begun(rulesWith({ catchUp: "all" }));
    schedule.happen({ tag: "paused" });
    expect(schedule.wakeAt(noon + hour)).toEqual([skip(noon + hour, "paused")]);
    expect(schedule.happen({ tag: "resumed" })).toEqual([]);
    expect(schedule.wakeAt(noon + 2 * hour)).toEqual([run(noon + 2 * hour)]);
  });

  test("what comes due between two generations is late within a minute, and missed later", () => {
    const schedule = begun(rulesWith());
    schedule.happen({ tag: "closed" });
    expect(schedule.wakeAt(noon + hour)).toEqual([]);
    expect(schedule.happen({ tag: "opened" })).toEqual([run(noon + hour)]);
    schedule.end();
    schedule.happen({ tag: "closed" });
    schedule.wakeAt(noon + 2.5 * hour);
    expect(schedule.happen({ tag: "opened" })).toEqual([skip(noon + 2 * hour, "missed")]);
  });

  test("a run that could not be begun is the next generation's", () => {
    const schedule = begun(rulesWith());
    schedule.wakeAt(noon + hour);
    schedule.happen({ tag: "closed" });
    const due = { at: noon + hour, cause: "clock" } as const;
    expect(schedule.happen({ tag: "returned", due })).toEqual([]);
    expect(schedule.happen({ tag: "opened" })).toEqual([run(noon + hour)]);
  });

  test("runs nothing once it is quiet, not even what waits", () => {
    const schedule = begun(rulesWith({ overlap: "queue" }));
    schedule.wakeAt(noon + hour);
    schedule.wakeAt(noon + 2 * hour);
    expect(schedule.happen({ tag: "quiet" })).toEqual([]);
    expect(schedule.end()).toEqual([]);
    expect(schedule.wakeAt(noon + 3 * hour)).toEqual([]);
  });
});

type Step =
  | { readonly tag: "pass" | "jump"; readonly by: number }
  | { readonly tag: "end" | "return" | "open" | "close" | "pause" | "resume" | "quiet" | "manual" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ tag: fc.constant("pass" as const), by: fc.integer({ min: 0, max: 90_000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      tag: fc.constant("jump" as const),
      by: fc.integer({ min: -5 * hour, max: 5 * hour }),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ tag: "end" as const }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(
      { tag: "return" },
      { tag: "open" },
      { tag: "close" },
      { tag: "pause" },
      { tag: "resume" },
      { tag: "manual" },
    ),
  },
  { weight: 1, arbitrary: fc.constant({ tag: "quiet" as const }) },
);

interface History {
  readonly rules: Rules;
  readonly runs: readonly { at: number; cause: string; active: number; isQuiet: boolean; isOpen: boolean }[];
  readonly course: Course;
  readonly now: number;
}

/** Lets a random history happen; runs that are given back may be run again. */
function live(rules: Rules, lastAt: number | undefined, steps: readonly Step[]): History {
  let now = noon;
  let course = createCourse(rules, now);
  const active: { at: number; cause: "clock" | "catch-up" | "manual" }[] = [];
  const runs: { at: number; cause: string; active: number; isQuiet: boolean; isOpen: boolean }[] = [];
  const happen = (occasion: Occasion) => {
    const [next, verdicts] = decide(course, occasion, rules, now);
    course = next;
    for (const verdict of verdicts) {
      if (verdict.tag === "skip") continue;
      active.push(verdict.due);
      runs.push({ ...verdict.due, active: active.length, isQuiet: course.quiet, isOpen: course.open });
    }
  };
  happen({ tag: "opened" });
  happen({ tag: "remembered", lastAt: lastAt && rules.times.previous(lastAt), isOurs: true });
  const words = {
    open: "opened",
    close: "closed",
    pause: "paused",
    resume: "resumed",
    quiet: "quiet",
  } as const;
  for (const one of steps) {
    if (one.tag === "pass" || one.tag === "jump") {
      now += one.by;
      happen({ tag: "wake" });
    } else if (one.tag === "end") {
      const ended = active.shift();
      if (ended) happen({ tag: "ended", cause: ended.cause });
    } else if (one.tag === "return") {
      const last = active.at(-1);
      if (last === undefined || last.cause === "manual") continue;
      active.pop();
      runs.splice(
        runs.findLastIndex(({ at }) => at === last.at),
        1,
      );
      happen({ tag: "returned", due: { at: last.at, cause: last.cause } });
    } else if (one.tag === "manual") {
      active.push({ at: now, cause: "manual" });
      happen({ tag: "began" });
    } else happen({ tag: words[one.tag] });
  }
  return { rules, runs, course, now };
}

describe("decide(), whatever happens,", () => {
  const histories = fc
    .record({
      cron: fc.constantFrom("@every 1s", "@every 20s", "* * * * *", "*/7 * * * *", "0 * * * *"),
      overlap: fc.constantFrom("skip" as const, "queue" as const, "allow" as const),
      catchUp: fc.constantFrom("skip" as const, "once" as const, "all" as const),
      jitter: fc.constantFrom(0, 5_000, 3 * hour),
      lastAt: fc.option(fc.integer({ min: noon - 4 * hour, max: noon + hour }), { nil: undefined }),
      steps: fc.array(step, { maxLength: 60 }),
      parts: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 5 }),
    })
    .map(({ cron, lastAt, steps, parts, ...rules }) => {
      let asked = 0;
      const random = () => parts[asked++ % parts.length] as number;
      return live(rulesWith({ ...rules, cron, random }), lastAt, steps);
    });

  test("runs each planned time at most once, and only planned times", () => {
    fc.assert(
      fc.property(histories, ({ runs, rules }) => {
        const times = runs.map(({ at }) => at);
        expect(new Set(times).size).toBe(times.length);
        for (const at of times) expect(rules.times.next(at - 1)).toBe(at);
      }),
      { numRuns: 250 },
    );
  });

  test("never has two runs at once unless they may overlap", () => {
    fc.assert(
      fc.property(histories, ({ runs, rules }) => {
        if (rules.overlap !== "allow") for (const { active } of runs) expect(active).toBe(1);
      }),
      { numRuns: 250 },
    );
  });

  test("runs nothing while nobody is there or once it is quiet, and nothing waits then", () => {
    fc.assert(
      fc.property(histories, ({ runs, course }) => {
        for (const { isOpen, isQuiet } of runs) expect([isOpen, isQuiet]).toEqual([true, false]);
        if (course.quiet) expect(course.waiting).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  test("keeps a bounded number waiting, in their order, and has a next time", () => {
    fc.assert(
      fc.property(histories, ({ course, now }) => {
        const waiting = course.waiting.map(({ at }) => at);
        expect(waiting.length).toBeLessThanOrEqual(mostMissed + 1);
        expect(waiting).toEqual(waiting.toSorted((a, b) => a - b));
        expect(course.next?.at).toBeGreaterThan(course.decided);
        if (course.open && !course.quiet) expect(course.next?.begin).toBeGreaterThan(now);
      }),
      { numRuns: 250 },
    );
  });

  test("with catch-up of all, every planned time runs, in order", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ tag: fc.constant("pass" as const), by: fc.integer({ min: 0, max: 40 * minute }) }),
        fc.constantFrom<Step>({ tag: "end" }, { tag: "end" }, { tag: "open" }, { tag: "close" }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 300 }), (some, ago) => {
        const rules = rulesWith({ cron: "*/7 * * * *", catchUp: "all", overlap: "queue" });
        const lastAt = rules.times.previous(noon - ago * minute) as number;
        const ends = Array.from({ length: 600 }, (): Step => ({ tag: "end" }));
        const { runs, now } = live(rules, lastAt + 1, [...some, { tag: "open" }, ...ends]);
        const planned: number[] = [];
        for (let at = rules.times.next(lastAt) as number; at <= now; at = rules.times.next(at) as number)
          planned.push(at);
        expect(runs.map(({ at }) => at)).toEqual(planned);
      }),
      { numRuns: 200 },
    );
  });
});
