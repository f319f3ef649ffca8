import type { Libc } from "./libc.ts";
import type { SystemCalls } from "./native.ts";

/** Linux's numbers, the same on all 64-bit machines. */
const linux = {
  AF_UNIX: 1,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0o2000000,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  CLOCK_MONOTONIC: 1,
  SOL_SOCKET: 1,
  SO_ACCEPTCONN: 30,
  SOL_TCP: 6,
  TCP_INFO: 11,
  FIONREAD: 0x541b,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
  O_NONBLOCK: 0o4000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
} as const;

const longestName = 128;
/** Where the fields of `struct tcp_info` that are looked at begin: `tcpi_last_data_recv` and `tcpi_bytes_received`. */
const lastReceivedAt = 52;
const receivedAt = 128;

/** What the rest of the program may ask of the kernel, made of calls of the C library. */
export function systemCallsOf(libc: Libc): SystemCalls {
  let datagrams: number | undefined;
  return {
    sendDatagram(address, message) {
      datagrams ??= libc.socket(linux.AF_UNIX, linux.SOCK_DGRAM | linux.SOCK_CLOEXEC, 0);
      // A receiver that does not read must not stop this thread.
      const flags = linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL;
      const sent = libc.sendto(datagrams, message, message.length, flags, address, address.length);
      return Number(sent) === message.length;
    },
    monotonicUs() {
      const time = new Uint8Array(16);
      libc.clock_gettime(linux.CLOCK_MONOTONIC, time);
      const view = new DataView(time.buffer);
      return view.getBigInt64(0, true) * 1_000_000n + view.getBigInt64(8, true) / 1_000n;
    },
    socketName(descriptor) {
      const name = new Uint8Array(longestName);
      const size = new Uint8Array(new Uint32Array([longestName]).buffer);
      if (libc.getsockname(descriptor, name, size) !== 0) return undefined;
      return name.subarray(0, new DataView(size.buffer).getUint32(0, true));
    },
    isListening(descriptor) {
      const value = new Uint8Array(4);
      const size = new Uint8Array(new Uint32Array([4]).buffer);
      const failed = libc.getsockopt(descriptor, linux.SOL_SOCKET, linux.SO_ACCEPTCONN, value, size) !== 0;
      return !failed && value[0] === 1;
    },
    silence(descriptor) {
      const unread = new Uint8Array(4);
      if (libc.ioctl(descriptor, linux.FIONREAD, unread) === 0 && unread.some((byte) => byte !== 0)) return 0;
      const info = new Uint8Array(receivedAt + 8);
      const size = new Uint8Array(new Uint32Array([info.length]).buffer);
      if (libc.getsockopt(descriptor, linux.SOL_TCP, linux.TCP_INFO, info, size) !== 0) return undefined;
      const view = new DataView(info.buffer);
      return view.getBigUint64(receivedAt, true) > 0n ? view.getUint32(lastReceivedAt, true) : undefined;
    },
    keepFromChildren(descriptor) {
      libc.fcntl(descriptor, linux.F_SETFD, linux.FD_CLOEXEC);
    },
    neverWait(descriptor) {
      libc.fcntl(descriptor, linux.F_SETFL, libc.fcntl(descriptor, linux.F_GETFL, 0) | linux.O_NONBLOCK);
    },
    replace: (descriptor, by) => libc.dup2(by, descriptor) === descriptor,
    watch: (epoll, descriptor, event) =>
      libc.epoll_ctl(epoll, linux.EPOLL_CTL_ADD, descriptor, eventOf(event)) === 0,
    unwatch: (epoll, descriptor) =>
      libc.epoll_ctl(epoll, linux.EPOLL_CTL_DEL, descriptor, eventOf({ events: 0, data: 0n })) === 0,
  };
}

/** The kernel packs the two on x86-64, and only there. */
function eventOf({ events, data }: { readonly events: number; readonly data: bigint }): Uint8Array {
  const isPacked = process.arch === "x64";
  const view = new DataView(new ArrayBuffer(isPacked ? 12 : 16));
  view.setUint32(0, events, true);
  view.setBigUint64(isPacked ? 4 : 8, data, true);
  return new Uint8Array(view.buffer);
}
