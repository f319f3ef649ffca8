import { expect, test } from "bun:test";
import type { ConsumerStats } from "../../src/core/consumer-stats.ts";
import { bucketBounds, bucketOf, newCounts } from "../../src/core/consumer-stats.ts";
import { workFamilies } from "../../src/observe/work-metrics.ts";

const histogram = (...values: number[]) => {
  const counts = newCounts();
  for (const value of values) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
  return { counts, sum: values.reduce((sum, value) => sum + value, 0) };
};
const consumer: ConsumerStats = {
  received: 9,
  done: 5,
  failed: 2,
  dead: 1,
  released: 1,
  lost: 0,
  active: 3,
  buffered: 4,
  blockedKeys: 1,
  lag: 1_500,
  latency: histogram(1, 3, 4_000_000),
  duration: histogram(20),
};
const schedule = { running: 1, done: 2, failed: 3, skipped: 4, next: 1_700_000_000_000 };

function samplesOf(name: string): string[] {
  const families = workFamilies(
    new Map([
      ["mails", { consumer }],
      ["nightly", { schedule }],
    ]),
  );
  const family = families.find((each) => each.name === name);
  return (family?.samples ?? []).map(({ suffix = "", labels, value }) =>
    [suffix, ...Object.entries(labels).map(([key, text]) => `${key}=${text}`), value]
      .filter((part) => part !== "")
      .join(" "),
  );
}

test("workFamilies() tells what became of messages, by outcome", () => {
  expect(samplesOf("supervisor_consumer_messages_total")).toEqual([
    "service=mails outcome=done 5",
    "service=mails outcome=failed 2",
    "service=mails outcome=dead 1",
    "service=mails outcome=released 1",
    "service=mails outcome=lost 0",
  ]);
  expect(samplesOf("supervisor_consumer_lag_seconds")).toEqual(["service=mails 1.5"]);
});

test("workFamilies() tells of groups that fail, of consumers that make some", () => {
  const groups = { failed: 7, failing: 2 };
  const work = new Map([
    ["sums", { consumer: { ...consumer, groups } }],
    ["mails", { consumer }],
  ]);
  const told = workFamilies(work).filter(({ name }) => name.includes("group"));
  expect(told.map(({ name, type, samples }) => [name, type, samples])).toEqual([
    ["supervisor_consumer_group_failures_total", "counter", [{ labels: { service: "sums" }, value: 7 }]],
    ["supervisor_consumer_failing_groups", "gauge", [{ labels: { service: "sums" }, value: 2 }]],
  ]);
});

test("workFamilies() makes histograms cumulative, in seconds, with all of them in the last bucket", () => {
  const samples = samplesOf("supervisor_consumer_wait_seconds");
  expect(samples.length).toBe(bucketBounds.length + 3);
  expect(samples[0]).toBe("_bucket service=mails le=0.001 1");
  expect(samples[1]).toBe("_bucket service=mails le=0.005 2");
  expect(samples.at(-4)).toBe("_bucket service=mails le=300 2");
  expect(samples.slice(-3)).toEqual([
    "_bucket service=mails le=+Inf 3",
    "_sum service=mails 4000.004",
    "_count service=mails 3",
  ]);
});

test("workFamilies() tells of schedules when they run next and what became of their times", () => {
  expect(samplesOf("supervisor_schedule_runs_total")).toEqual([
    "service=nightly outcome=done 2",
    "service=nightly outcome=failed 3",
    "service=nightly outcome=skipped 4",
  ]);
  expect(samplesOf("supervisor_schedule_next_timestamp_seconds")).toEqual(["service=nightly 1700000000"]);
});

test("workFamilies() has samples of nobody who has neither", () => {
  expect(workFamilies(new Map()).flatMap(({ samples }) => samples)).toEqual([]);
});
