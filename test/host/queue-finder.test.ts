import { expect, test } from "bun:test";
import { createQueueFinder } from "../../src/host/queue-finder.ts";
import type { Queue } from "../../src/service/message.ts";

test("createQueueFinder() takes the first broker, and throws UNKNOWN_BROKER for names that there are not", () => {
  let names: readonly string[] = ["main", "other"];
  const asked: string[] = [];
  const find = createQueueFinder(
    () => names,
    (broker) => {
      asked.push(broker);
      return {} as Queue;
    },
  );
  find();
  find("other");
  expect(asked).toEqual(["main", "other"]);
  const unknown = (message: string) => expect.objectContaining({ code: "UNKNOWN_BROKER", message });
  expect(() => find("othre")).toThrow(
    unknown('ctx.queue("othre"): no broker has that name; did you mean "other"?'),
  );
  expect(() => find("x")).toThrow(
    unknown('ctx.queue("x"): no broker has that name; known brokers: main, other'),
  );
  names = [];
  expect(() => find()).toThrow(unknown("ctx.queue(): services.yaml has no brokers:"));
});
