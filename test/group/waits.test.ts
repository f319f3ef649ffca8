import { expect, test } from "bun:test";
import type { SupervisorEvent } from "../../src/core/events.ts";
import { createEvents } from "../../src/core/events.ts";
import { createGroup } from "../../src/group/group.ts";
import type { Member } from "../../src/group/host.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeService, quickRestart } from "../support/fake-service.ts";

/** A group of these members, and what it has told about who waits: `SERVICE: NEED (CONDITION, STATE)`. */
function world(...members: Member[]) {
  const clock = new FakeClock();
  const events = createEvents();
  const told: string[][] = [];
  events.on((event: SupervisorEvent) => {
    if (event.type !== "servicesWaiting") return;
    told.push(
      event.waits.map(({ service, needs }) => {
        const texts = needs.map(({ name, condition, state }) => `${name} (${condition}, ${state})`);
        return `${service}: ${texts.join(", ")}`;
      }),
    );
  });
  const shutdown = { timeout: 30_000, delay: 0, order: "reverse", streamsTimeout: 1_000 } as const;
  const group = createGroup({ members, shutdown, clock, random: () => 0.5, events });
  group.start();
  return { clock, group, told };
}

test("the group tells together of services that began to wait one after the other", async () => {
  const init = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const { clock, told } = world(
    fakeService("db", [], { behaviour: { start: () => started.promise } }),
    fakeService("api", [], { dependsOn: { db: "ready" } }),
    fakeService("web", [], { dependsOn: { api: "ready" }, behaviour: { load: () => init.promise } }),
  );
  await clock.tick(10);
  init.resolve();
  await clock.tick(20_000);
  expect(told).toEqual([["api: db (ready, starting)", "web: api (ready, pending)"]]);
});

const fails = () => {
  throw new Error("no");
};

test("the group tells once who waits for what will not come, and ends without a timer", async () => {
  const { clock, group, told } = world(
    fakeService("db", [], {
      critical: false,
      restart: { ...quickRestart, limit: 1 },
      behaviour: { start: fails },
    }),
    fakeService("api", [], { dependsOn: { db: "ready" } }),
    fakeService("web", [], { dependsOn: { api: "started", plain: "completed" } }),
    fakeService("plain"),
  );
  await clock.tick(4_900);
  expect(told).toEqual([]);
  await clock.tick(600_000);
  expect(told).toEqual([
    ["api: db (ready, quarantined)", "web: api (started, pending), plain (completed, ready)"],
  ]);
  const stopped = group.stop({ tag: "request" });
  await clock.tick(60_000);
  await stopped;
  expect(clock.pending).toBe(0);
});

test("the group tells nothing about a service that gets its turn in time, or waits for no other", async () => {
  const init = Promise.withResolvers<void>();
  const db = Promise.withResolvers<void>();
  const { clock, told } = world(
    fakeService("slow", [], { behaviour: { load: () => init.promise } }),
    fakeService("db", [], { behaviour: { start: () => db.promise } }),
    fakeService("api", [], { dependsOn: { db: "ready" } }),
    fakeService("alone"),
  );
  await clock.tick(4_000);
  init.resolve();
  await clock.tick(500);
  db.resolve();
  await clock.tick(600_000);
  expect(told).toEqual([]);
});

test("the group tells about a service again when it waits again", async () => {
  const db = fakeService("db", [], {
    critical: false,
    restart: { ...quickRestart, limit: 1 },
    behaviour: { start: fails },
  });
  const api = fakeService("api", [], { dependsOn: { db: "ready" } });
  const { clock, group, told } = world(db, api);
  await clock.tick(6_000);
  expect(told).toHaveLength(1);
  await group.perform("stop", ["api"]);
  const starting = group.perform("start", ["api"]);
  await clock.tick(6_000);
  expect(told).toHaveLength(2);
  const stopped = group.stop({ tag: "request" });
  await clock.tick(60_000);
  await Promise.all([starting, stopped]);
  expect(clock.pending).toBe(0);
});
