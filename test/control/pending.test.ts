import { expect, test } from "bun:test";
import { createPending } from "../../src/control/pending.ts";
import { FakeClock } from "../support/fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const posted: { id: number; until: number }[] = [];
  const pending = createPending({
    clock,
    post: (id, _command, until) => posted.push({ id, until }),
    frozen: () => ({ message: 'service "x" blocks', forMs: 1, service: "x" }),
  });
  const send = (wait: boolean, timeoutMs: number) => {
    const answer = pending.send({ tag: "shutdown" }, { wait, timeoutMs });
    return answer.catch((error) => error.body.code as string);
  };
  return { clock, posted, pending, send };
}

test("send() says FROZEN when main does not take the command, and main may not take it later", async () => {
  const { clock, posted, send } = setUp();
  const answer = send(true, 30_000);
  expect(posted[0]?.until).toBe(clock.wall() + 5_000);
  await clock.tick(5_200);
  expect(await answer).toBe("FROZEN");
});

test("send() says STILL_RUNNING when the end does not come in time", async () => {
  const { clock, pending, send } = setUp();
  const answer = send(true, 30_000);
  pending.accepted(1);
  await clock.tick(30_300);
  expect(await answer).toBe("STILL_RUNNING");
});

test("send() resolves with the result, or at once without waiting", async () => {
  const { pending, send } = setUp();
  const waited = send(true, 1_000);
  const taken = send(false, 1_000);
  pending.accepted(2);
  pending.accepted(1);
  pending.finished(1, { outcome: "done", steps: [] });
  expect(await waited).toEqual({ outcome: "done", steps: [] });
  expect(await taken).toBeUndefined();
});
