import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fits, readHeader } from "../../src/seal/executable-header.ts";
import { tempDir } from "../support/temp-dir.ts";

/** An ELF of 64 bits with one program header, which names what loads it. */
function elf(machine: number, loader?: string): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(loader === undefined ? 1 : 3, 64);
  bytes.writeBigUInt64LE(128n, 72);
  bytes.writeBigUInt64LE(BigInt(loader?.length ?? 0), 96);
  bytes.write(loader ?? "", 128, "latin1");
  return bytes;
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(64);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

test.each([
  ["linux-x64", elf(62, "/lib64/ld-linux-x86-64.so.2\0")],
  ["linux-arm64", elf(183, "/lib/ld-linux-aarch64.so.1\0")],
  ["linux-x64-musl", elf(62, "/lib/ld-musl-x86_64.so.1\0")],
  ["linux-arm64-musl", elf(183, "/lib/ld-musl-aarch64.so.1\0")],
  ["linux", elf(243, "/lib/ld-linux-riscv64.so.1\0")],
  ["darwin-arm64", words(0xfeedfacf, 0x0100000c)],
  ["darwin-x64", words(0xfeedfacf, 0x01000007)],
  ["windows", Buffer.from("MZ".padEnd(64))],
  [undefined, Buffer.from("#!/bin/sh\n".padEnd(64))],
  [undefined, Buffer.from("MZ")],
])("readHeader() finds %s", (target, bytes) => {
  using folder = tempDir();
  const file = join(folder.path, "file");
  writeFileSync(file, bytes);
  expect(readHeader(file)?.target).toBe(target as string);
});

test("fits() takes an executable without a loader for both C libraries, and others as they say", () => {
  using folder = tempDir();
  const file = join(folder.path, "file");
  writeFileSync(file, elf(62));
  const header = readHeader(file);
  if (!header) throw new Error("no header");
  const targets = ["linux-x64", "linux-x64-musl", "linux-arm64", "darwin-x64"];
  expect(targets.filter((target) => fits(header, target))).toEqual(["linux-x64", "linux-x64-musl"]);
  expect(fits({ target: "linux-x64" }, "linux-x64-musl")).toBe(false);
});
