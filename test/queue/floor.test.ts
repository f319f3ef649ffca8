import { describe, expect, test } from "bun:test";
import { createFloor } from "../../src/core/floor.ts";
import { Desk, Site } from "./setup.ts";

const keyed = { key: "data.k" };

describe("the intakes of two plans of one service", () => {
  test("with a key, the new one claims nothing until what the old one had is settled", async () => {
    const { old, next, desk } = await change(keyed);
    expect(next.model.asked).toEqual([]);
    const drained = old.lease.drain({ final: false });
    await old.rest();
    expect(next.model.asked).toEqual([]);
    const answer = Promise.withResolvers<void>();
    old.model.hold = answer.promise;
    desk.end("t0");
    await old.rest();
    expect(next.model.asked).toEqual([]);
    answer.resolve();
    await drained;
    await next.rest();
    expect(old.states()).toEqual(["done"]);
    expect(next.states()).toEqual(["active"]);
  });

  test("with a key, the new one claims as soon as the old one is cut off", async () => {
    const { old, next } = await change(keyed);
    old.lease.cut();
    await old.rest();
    expect(old.states()).toEqual(["pending"]);
    expect(next.states()).toEqual(["active"]);
  });

  test("with a key, a new one that is given up leaves the old one alone, and nobody behind it waits", async () => {
    const { old, next, desk, floor } = await change(keyed);
    const third = new Site(keyed, floor);
    await third.open(new Desk());
    third.enqueue(1);
    await next.lease.drain({ final: false });
    expect(third.model.asked).toEqual([]);
    desk.end("t0");
    old.enqueue(1);
    await old.rest();
    expect(old.states()).toEqual(["done", "active"]);
    desk.end("t1");
    await old.lease.drain({ final: false });
    await third.rest();
    expect(next.states()).toEqual(["pending"]);
    expect(third.states()).toEqual(["active"]);
  });

  test("with a key, the old one that is opened again keeps its turn while its first generation drains", async () => {
    const { old, next, desk } = await change(keyed);
    const drained = old.lease.drain({ final: false });
    await old.open(desk);
    desk.end("t0");
    await drained;
    old.enqueue(1);
    await old.rest();
    expect(old.states()).toEqual(["done", "active"]);
    expect(next.model.asked).toEqual([]);
  });

  test("with a key, the new one claims when what those who are gone had is there again", async () => {
    const floor = createFloor();
    const leave = floor.join(() => {});
    const site = new Site(keyed, floor);
    const recovered = Promise.withResolvers<void>();
    site.model.hold = recovered.promise;
    site.enqueue(1);
    await site.open(new Desk());
    leave(["thread 1"]);
    await site.rest();
    expect(site.model.recovered).toEqual(["thread 1"]);
    expect(site.states()).toEqual(["pending"]);
    recovered.resolve();
    await site.rest();
    expect(site.states()).toEqual(["active"]);
  });

  test("without a key, both claim while the old one drains", async () => {
    const { next } = await change({});
    expect(next.states()).toEqual(["active"]);
  });
});

/** A message is in the hands of the old one; the new one is open beside it, and has one to claim. */
async function change(plan: object) {
  const floor = createFloor();
  const desk = new Desk();
  const old = new Site(plan, floor);
  const next = new Site(plan, floor);
  const before = await old.open(desk);
  old.enqueue(1);
  await old.rest();
  const after = await next.open(new Desk());
  next.enqueue(1);
  await next.rest();
  return {
    floor,
    desk,
    old: Object.assign(old, { lease: before }),
    next: Object.assign(next, { lease: after }),
  };
}
