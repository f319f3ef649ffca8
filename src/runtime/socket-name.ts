import type { NativeAddress } from "./runtime.ts";

const families = { unix: 1, ipv4: 2, ipv6: 10 } as const;

/** Reads a `sockaddr`; undefined for a family that is none of the three. An abstract name begins with `@`. */
export function readSocketName(name: Uint8Array): NativeAddress | undefined {
  const view = new DataView(name.buffer, name.byteOffset, name.byteLength);
  if (name.length < 2) return undefined;
  const family = view.getUint16(0, true);
  if (family === families.ipv4) {
    return { tag: "tcp", host: name.subarray(4, 8).join("."), port: view.getUint16(2) };
  }
  if (family === families.ipv6) {
    const parts = Array.from({ length: 8 }, (_, index) => view.getUint16(8 + 2 * index).toString(16));
    // The parser of URLs knows how an IPv6 address is written shortest.
    const host = new URL(`http://[${parts.join(":")}]`).hostname.slice(1, -1);
    return { tag: "tcp", host, port: view.getUint16(2) };
  }
  return family === families.unix ? { tag: "unix", path: pathOf(name.subarray(2)) } : undefined;
}

function pathOf(bytes: Uint8Array): string {
  const text = new TextDecoder();
  if (bytes[0] === 0) return `@${text.decode(bytes.subarray(1))}`;
  const end = bytes.indexOf(0);
  return text.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
