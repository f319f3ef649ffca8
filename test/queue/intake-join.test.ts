import { expect, test } from "bun:test";
import { Site } from "./setup.ts";

test("join() that waits for the broker ends with the intake: that it was closed is no failure", async () => {
  const site = new Site();
  const connecting = Promise.withResolvers<void>();
  const { driver } = site.model;
  Object.defineProperty(site.model, "driver", { value: { ...driver, connect: () => connecting.promise } });
  const joined = site.intake.join?.();
  await site.pass(1_000);
  site.intake.close();
  // As a driver that is closed while it connects.
  setImmediate(() => connecting.reject(new Error("it was closed")));
  expect(await joined).toBeUndefined();
  await site.pass(10_000);
  expect(site.troubles).toEqual([]);
  expect(site.clock.pending).toBe(0);
});
