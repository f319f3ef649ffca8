import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createLineOutput } from "../../src/observe/stderr.ts";

/** A pipe that takes `room` bytes and then says `full` until it is read. */
function pipe(room: number, full = "EAGAIN") {
  let taken = "";
  let free = room;
  return {
    put(bytes: Uint8Array): number {
      if (free === 0) throw Object.assign(new Error(full), { code: full });
      const now = bytes.subarray(0, free);
      free -= now.length;
      taken += new TextDecoder().decode(now);
      return now.length;
    },
    read(amount: number) {
      free = amount;
    },
    get text() {
      return taken;
    },
  };
}

const lost = (count: number) => `lost ${count}\n`;

describe("createLineOutput", () => {
  test("keeps what a full pipe does not take, and writes it in order once there is room", () => {
    const full = pipe(6);
    const output = createLineOutput({ lost, put: full.put });
    output.write("one\n");
    output.write("two\n");
    output.write("three\n");
    expect(full.text).toBe("one\ntw");
    full.read(100);
    output.write("four\n");
    expect(full.text).toBe("one\ntwo\nthree\nfour\n");
  });

  test("lines beyond the room kept for a stuck reader are counted, and the loss is told", () => {
    const stuck = pipe(4);
    const output = createLineOutput({ lost, put: stuck.put, room: 10 });
    output.write("aaa\n");
    for (const line of ["bbb\n", "ccc\n", "ddd\n", "eee\n"]) output.write(line);
    stuck.read(100);
    output.flush();
    expect(stuck.text).toBe("aaa\nbbb\nccc\nlost 2\n");
  });

  test.each(["EPIPE", "EBADF", "EIO"])("after %s it is silent and does not throw", (code) => {
    let calls = 0;
    const output = createLineOutput({
      lost,
      put: () => {
        calls += 1;
        throw Object.assign(new Error(code), { code });
      },
    });
    output.write("a\n");
    output.write("b\n");
    output.flush();
    expect(calls).toBe(1);
  });

  test("a full disk loses lines, tells how many when there is room again, and never spins", () => {
    const disk = pipe(0, "ENOSPC");
    let isFull = true;
    let text = "";
    const output = createLineOutput({
      lost,
      put: (bytes) => {
        if (isFull) return disk.put(bytes);
        text += new TextDecoder().decode(bytes);
        return bytes.length;
      },
    });
    output.write("a\n");
    output.write("b\n");
    isFull = false;
    output.write("c\n");
    expect(text).toBe("c\nlost 2\n");
  });

  test("flush() gives up on a reader that never reads", () => {
    const output = createLineOutput({ lost, put: pipe(1).put });
    output.write("abc\n");
    const before = performance.now();
    output.flush();
    expect(performance.now() - before).toBeLessThan(1_500);
  });
});

describe("standard error as a pipe", () => {
  const program = `
    import { createLogWriter } from ${JSON.stringify(fileURLToPath(new URL("../../src/observe/log-writer.ts", import.meta.url)))};
    const { sink } = createLogWriter({ level: "info", format: "json", color: false, secrets: [] });
    const before = performance.now();
    for (let n = 0; n < 3000; n++) sink({ time: 0, level: "info", message: String(n).padStart(60, ".") });
    console.log(performance.now() - before < 400 ? "not held up" : "held up");
  `;
  const run = (script: string) =>
    spawnSync("sh", ["-c", script, "sh", process.execPath, program], { encoding: "utf8", timeout: 20_000 });

  test("a reader that is late holds nothing up and loses nothing", () => {
    // The descriptors trade places, so that stderr is the pipe; the reader begins late.
    const { stdout } = run(`{ "$1" -e "$2" 2>&1 >&3 | { sleep 0.3; wc -l; }; } 3>&1`);
    expect(stdout).toContain("not held up");
    expect(stdout).toMatch(/^\s*3000$/m);
  });

  test("a reader that has gone neither throws nor hangs", () => {
    const { stdout } = run(`{ "$1" -e "$2" 2>&1 >&3 | true; } 3>&1`);
    expect(stdout).toBe("not held up\n");
  });
});
