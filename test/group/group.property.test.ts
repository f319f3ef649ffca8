import { expect, test } from "bun:test";
import fc from "fast-check";
import { PermanentError } from "../../src/core/errors.ts";
import { createEvents } from "../../src/core/events.ts";
import type { DependencyCondition } from "../../src/core/plan.ts";
import { nothingHeld } from "../../src/core/report.ts";
import { createGroup } from "../../src/group/group.ts";
import type { Host, HostReport, Member } from "../../src/group/host.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fakeService } from "../support/fake-service.ts";

const budget = 10_000;

/** What a hook of the world does when it is called: at once, later, never, or fail. */
const outcome = fc.constantFrom("now", "now", "now", "later", "never", "fail", "permanent");

const service = fc.record({
  critical: fc.boolean(),
  load: outcome,
  start: outcome,
  stop: fc.constantFrom("now", "now", "later", "never", "fail"),
  health: fc.constantFrom("none", "none", "pass", "fail", "never"),
  needs: fc.array(fc.tuple(fc.nat(5), fc.constantFrom("started", "ready", "completed")), { maxLength: 2 }),
  stopTimeout: fc.option(fc.integer({ min: 100, max: 1_000 }), { nil: undefined }),
});

const step = fc.oneof(
  fc.record({ tag: fc.constant("tick" as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  fc.record({ tag: fc.constant("crash" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("complete" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("late" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("stop" as const) }),
);

/** One generation, as the world saw it. */
interface Life {
  readonly name: string;
  readonly generation: number;
  readonly report: HostReport;
  begun: boolean;
  ending: boolean;
  ended: boolean;
}

test("any sequence of failures, completions, time and stops keeps the promises of the group", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(service, { minLength: 1, maxLength: 6 }),
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom("reverse", "graph"),
      async (services, steps, order) => {
        const clock = new FakeClock();
        const events = createEvents();
        const lives: Life[] = [];
        const starts: string[] = [];
        const stops: string[] = [];
        const finalStops: string[] = [];
        let stopping = false;
        const perform = (what: string): Promise<void> => {
          if (what === "later") return new Promise((resolve) => void clock.after(700, resolve));
          if (what === "never") return new Promise(() => {});
          if (what === "fail") return Promise.reject(new Error("failed"));
          if (what === "permanent") return Promise.reject(new PermanentError("failed for good"));
          return Promise.resolve();
        };

        const members = services.map((spec, index): Member => {
          const name = `s${index}`;
          // Only earlier services: no cycles, as the plan promises.
          const needs = spec.needs.filter(([need]) => need < index);
          const dependsOn = Object.fromEntries(
            needs.map(([need, condition]) => [`s${need}`, condition as DependencyCondition]),
          );
          const base = fakeService(name, [], { critical: spec.critical, dependsOn });
          return {
            ...base,
            ...(spec.stopTimeout === undefined ? {} : { stopTimeout: spec.stopTimeout }),
            createHost(generation, report): Host {
              const before = lives.filter((life) => life.name === name);
              expect(before.every((life) => life.ended)).toBe(true);
              expect(stopping).toBe(false);
              const life: Life = { name, generation, report, begun: false, ending: false, ended: false };
              lives.push(life);
              return {
                probes: spec.health !== "none",
                load: () => perform(spec.load),
                start() {
                  expect(stopping).toBe(false);
                  expect(life.begun || life.ending).toBe(false);
                  life.begun = true;
                  if (!starts.includes(name)) starts.push(name);
                  return perform(spec.start);
                },
                async health() {
                  await perform(spec.health);
                  return { status: "pass" };
                },
                pause() {},
                resume() {},
                quiet() {},
                async stop({ final }) {
                  expect(life.ending).toBe(false);
                  life.ending = true;
                  stops.push(name);
                  if (final) finalStops.push(name);
                  try {
                    await perform(spec.stop);
                    return { cutStreams: 0 };
                  } finally {
                    life.ended = true;
                  }
                },
                held: () => ({ ...nothingHeld, hooks: ["stop"] }),
                abandon() {
                  life.ended = true;
                  return { ...nothingHeld, hooks: ["stop"] };
                },
              };
            },
          };
        });

        const shutdown = { timeout: budget, delay: 0, order, streamsTimeout: 1_000 } as const;
        const group = createGroup({ members, shutdown, clock, random: () => 0.5, events });
        const over = new Set<string>();
        events.on((event) => {
          if (event.type === "groupStopping") stopping = true;
          if (event.type !== "serviceChanged") return;
          const { name, state } = event.snapshot;
          // A service that has reached an end never becomes anything else.
          expect(over.has(name)).toBe(false);
          if (state === "stopped" || state === "completed" || state === "failed") over.add(name);
          if (stopping) expect(["starting", "loading"]).not.toContain(state);
        });

        group.start();
        await settle();
        for (const event of steps) {
          const life =
            "service" in event ? lives.findLast(({ name }) => name === `s${event.service}`) : undefined;
          if (event.tag === "tick") await clock.tick(event.ms);
          else if (event.tag === "crash") life?.report.failed(new Error("crash"));
          else if (event.tag === "complete") life?.report.completed();
          else if (event.tag === "late") lives[0]?.report.failed(new Error("late"));
          else void group.stop({ tag: "request" });
          await settle();
        }
        const stopped = group.stop({ tag: "request" });
        await clock.tick(budget);
        const report = await stopped;

        expect(report.durationMs).toBeLessThanOrEqual(budget);
        // Nothing that was loaded stays without its end.
        expect(lives.filter((life) => !life.ending || !life.ended)).toEqual([]);
        expect(report.services.map((each) => each.service).sort()).toEqual(
          members.map((each) => each.name).sort(),
        );
        if (order === "reverse") {
          const reversed = starts.toReversed().filter((name) => finalStops.includes(name));
          expect(finalStops.filter((name) => starts.includes(name))).toEqual(reversed);
        }
        await clock.tick(100_000);
        expect(clock.pending).toBe(0);
      },
    ),
    { numRuns: 3_000 },
  );
});
