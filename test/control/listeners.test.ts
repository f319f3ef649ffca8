import { expect, test } from "bun:test";
import { createListeners } from "../../src/control/listeners.ts";
import type { FromOperator } from "../../src/control/protocol.ts";
import type { AdminPlan } from "../../src/core/plan.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { freePort } from "../support/free-port.ts";

test("createListeners() tells where the admin listener is, also after it has moved away and back", async () => {
  const at = async (port: number): Promise<AdminPlan> => ({
    listen: { tag: "tcp", host: "127.0.0.1", port },
  });
  const first = await at(await freePort());
  const second = await at(await freePort());
  const told: FromOperator["type"][] = [];
  const listeners = createListeners({
    control: undefined,
    admin: first,
    detectRuntime,
    answer: () => new Response("here"),
    tell: ({ type }) => told.push(type),
  });
  expect(listeners.address).toBeUndefined();
  await listeners.open();
  for (const next of [second, first]) {
    await listeners.move(next);
    expect(listeners.address).toEqual(next.listen);
  }
  await listeners.move(false);
  expect(listeners.address).toBeUndefined();
  expect(told).toEqual(["listening", "listening", "listening", "listening"]);
  await listeners.close();
});
