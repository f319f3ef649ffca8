import { closeSync, openSync, readSync } from "node:fs";

/** What the first bytes of an executable say. */
export interface ExecutableHeader {
  /** As targets are called: `linux-x64`, `linux-arm64-musl`; `darwin` and `linux` alone when the rest is unknown here. */
  readonly target: string;
  /** It says nothing about which C library it wants. */
  readonly anyLibc?: true;
}

/** Undefined when the file is no executable of Linux, macOS or Windows. Throws what `open` throws. */
export function readHeader(file: string): ExecutableHeader | undefined {
  const descriptor = openSync(file, "r");
  try {
    const at = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    };
    const head = at(0, 64);
    if (head.length < 64) return undefined;
    if (head.readUInt32BE(0) === 0x7f454c46) return readElf(head, at);
    if (head.readUInt32LE(0) === 0xfeedfacf) return { target: named("darwin", machO[head.readUInt32LE(4)]) };
    if (head.readUInt32BE(0) === 0xcafebabe) return { target: "darwin" };
    return head.toString("latin1", 0, 2) === "MZ" ? { target: "windows" } : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Whether an executable with this header runs where `target` says. */
export function fits({ target, anyLibc }: ExecutableHeader, wanted: string): boolean {
  return target === wanted || (anyLibc === true && wanted === `${target}-musl`);
}

type Read = (offset: number, length: number) => Buffer;

const elf: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };
const machO: Readonly<Record<number, string>> = { 16777223: "x64", 16777228: "arm64" };

/** Where the program that loads it is named. */
const interpreter = 3;

/** Only little-endian ELF of 64 bits is looked into: no target has another. */
function readElf(head: Buffer, at: Read): ExecutableHeader {
  if (head[4] !== 2 || head[5] !== 1) return { target: "linux" };
  const target = named("linux", elf[head.readUInt16LE(18)]);
  const [size, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  const table = at(Number(head.readBigUInt64LE(32)), size * count);
  for (let start = 0; start + 56 <= table.length; start += Math.max(56, size)) {
    if (table.readUInt32LE(start) !== interpreter) continue;
    const length = Math.min(Number(table.readBigUInt64LE(start + 32)), 4096);
    const loader = at(Number(table.readBigUInt64LE(start + 8)), length).toString("latin1");
    return { target: loader.includes("/ld-musl-") ? `${target}-musl` : target };
  }
  return { target, anyLibc: true };
}

function named(system: string, machine: string | undefined): string {
  return machine === undefined ? system : `${system}-${machine}`;
}
