import { expect, test } from "bun:test";
import { createRoom } from "../../../src/queue/drivers/sqlite/room.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { silent } from "../../support/queue-sites.ts";

const mebibyte = 1024 * 1024;

function setUp() {
  const clock = new FakeClock();
  const said: string[] = [];
  const disk = { free: 16 * mebibyte, looks: 0 };
  const room = createRoom({
    file: "/data/queue.db",
    clock,
    log: { ...silent, warn: (line) => said.push(line), info: (line) => said.push(line) },
    free() {
      disk.looks++;
      if (disk.free < 0) throw new Error("ENOENT: no such file");
      return disk.free;
    },
  });
  return { clock, said, disk, room };
}

test("Room refuses with BROKER_FULL what would take the room that settling needs, and says so once", async () => {
  const { clock, said, disk, room } = setUp();
  room.assert();
  disk.free--;
  await clock.tick(50);
  for (let n = 0; n < 3; n++) {
    expect(() => room.assert()).toThrow(expect.objectContaining({ code: "BROKER_FULL" }));
    await clock.tick(50);
  }
  disk.free++;
  room.assert();
  expect(said).toEqual([
    "The queue /data/queue.db takes no new tasks: less than 16 MiB are free on its disk; what waits is still consumed",
    "The queue /data/queue.db takes new tasks again",
  ]);
});

test("Room looks twenty times a second at most", async () => {
  const { clock, disk, room } = setUp();
  for (let n = 0; n < 1_000; n++) room.assert();
  await clock.tick(49);
  room.assert();
  expect(disk.looks).toBe(1);
  await clock.tick(1);
  room.assert();
  expect(disk.looks).toBe(2);
});

test("Room refuses nothing where the free room cannot be asked for", () => {
  const { said, disk, room } = setUp();
  disk.free = -1;
  room.assert();
  expect(said).toEqual([]);
});
