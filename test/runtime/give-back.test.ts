import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createBeacon } from "../../src/core/beacon.ts";
import { unchangedMappings } from "../../src/runtime/give-back.ts";
import { openNative } from "../../src/runtime/native-bun.ts";

const elsewhere = process.platform === "linux" ? "" : ` (skipped: not on ${process.platform})`;

describe("unchangedMappings", () => {
  test("are the code and the constants of the file", () => {
    expect(unchangedMappings(smaps, "/opt/supervisor")).toEqual([
      { start: 0x200000, length: 0x1839000, resident: 5284 * 1024 },
      { start: 0x1a40000, length: 0x4e0a000, resident: 27224 * 1024 },
    ]);
  });

  test("are never pages that somebody has written to, nor those of another file", () => {
    const starts = unchangedMappings(smaps, "/opt/supervisor").map(({ start }) => start);
    expect(starts).not.toContain(0x684a000);
    expect(starts).not.toContain(0x685f000);
    expect(unchangedMappings(smaps, "/opt/other")).toEqual([]);
  });

  test("are none when the kernel does not tell what is anonymous", () => {
    expect(unchangedMappings(smaps.replaceAll(/^Anonymous:.*\n/gm, ""), "/opt/supervisor")).toEqual([]);
  });
});

test.skipIf(elsewhere !== "")(
  `giveBack of the native cell takes pages of the executable out of memory, and the process runs on${elsewhere}`,
  async () => {
    const native = await openNative(createBeacon(), []);
    expect(native.limitation).toBeUndefined();
    const before = fileKilobytes();
    expect(native.giveBack()).toBeGreaterThan(0);
    expect(fileKilobytes()).toBeLessThan(before * 0.8);
    expect(new Intl.NumberFormat("en").format(1234.5)).toBe("1,234.5");
  },
);

function fileKilobytes(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

/** As Linux 6 writes them, shortened. */
const smaps = `00200000-01a39000 r--p 00000000 fe:00 5324881                            /opt/supervisor
Size:              24804 kB
Rss:                5284 kB
Private_Clean:      5280 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
01a40000-0684a000 r-xp 01838000 fe:00 5324881                            /opt/supervisor
Rss:               27224 kB
Anonymous:             0 kB
0684a000-0685f000 rw-p 06641000 fe:00 5324881                            /opt/supervisor
Rss:                  84 kB
Anonymous:             0 kB
0685f000-06867000 r--p 06656000 fe:00 5324881                            /opt/supervisor
Rss:                  32 kB
Anonymous:            12 kB
7f60a5a5d000-7f60a5ad1000 r-xp 00010000 fe:00 326591                     /usr/lib/x86_64-linux-gnu/libm.so.6
Rss:                 200 kB
Anonymous:             0 kB
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
Rss:                  60 kB
Anonymous:            60 kB
`;
