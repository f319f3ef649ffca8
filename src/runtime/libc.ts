/** A number of 32 or 64 bits, or the bytes that a pointer leads to. */
export type LibcType = "i32" | "u32" | "size" | "bytes";

/** The calls of the C library that are made here: what comes back is a number of 32 bits, but for `sendto`. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(
    socket: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    to: Uint8Array,
    size: number,
  ): number | bigint;
  clock_gettime(clock: number, time: Uint8Array): number;
  getsockname(socket: number, address: Uint8Array, size: Uint8Array): number;
  getsockopt(socket: number, level: number, option: number, value: Uint8Array, size: Uint8Array): number;
  ioctl(descriptor: number, request: number, value: Uint8Array): number;
  fcntl(descriptor: number, command: number, value: number): number;
  dup2(from: number, to: number): number;
  epoll_ctl(epoll: number, operation: number, descriptor: number, event: Uint8Array): number;
}

export const libcParameters: { readonly [Name in keyof Libc]: readonly LibcType[] } = {
  socket: ["i32", "i32", "i32"],
  sendto: ["i32", "bytes", "size", "i32", "bytes", "u32"],
  clock_gettime: ["i32", "bytes"],
  getsockname: ["i32", "bytes", "bytes"],
  getsockopt: ["i32", "i32", "i32", "bytes", "bytes"],
  ioctl: ["i32", "size", "bytes"],
  fcntl: ["i32", "i32", "i32"],
  dup2: ["i32", "i32"],
  epoll_ctl: ["i32", "i32", "i32", "bytes"],
};

/** glibc's name, then musl's: whichever is there. */
export const libcFiles: readonly string[] = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** What `open` makes of the first file that can be opened. @throws what the last one threw */
export function firstLibc<T>(open: (file: string) => T): T {
  let failure: unknown;
  for (const file of libcFiles) {
    try {
      return open(file);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
