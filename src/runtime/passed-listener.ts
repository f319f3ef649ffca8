import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SupervisorError } from "../core/errors.ts";
import type { PassedAddress, PassedSockets } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { SystemCalls } from "./native.ts";
import type { NativeAddress, NativeServer, Runtime } from "./runtime.ts";
import { sendingFrom } from "./sending.ts";
import { readSocketName } from "./socket-name.ts";

// Taken before service code can wrap them.
const { performance, setTimeout } = globalThis;

/*
 * Neither runtime's HTTP server takes a socket that is open already. So it binds one of its own, and the kernel puts
 * the passed one in its place: under the same number, watched by the same epoll instance for the same event. From then
 * on the server accepts from systemd's socket, and everything else about it is as ever.
 * See docs/decisions/010-sockets-of-systemd.md.
 */

/** The same runtime, but its servers can listen on `sockets` too. `calls` is undefined where none can be made. */
export function withPassedSockets(
  runtime: Runtime,
  sockets: PassedSockets,
  calls: SystemCalls | undefined,
): Runtime {
  return {
    ...runtime,
    prepareServer(options) {
      const { address } = options;
      if (address.tag !== "systemd") return runtime.prepareServer(options);
      const passed = listeningSocket(descriptorOf(address, sockets), calls);
      return () => listenOn(passed, (own) => runtime.prepareServer({ ...options, address: own })());
    },
  };
}

/** The descriptor of the socket on which this process listens there. @throws when there is none */
export function listeningOn(address: NativeAddress, calls: SystemCalls): number {
  const found = descriptors().find((descriptor) => {
    const name = calls.isListening(descriptor) ? calls.socketName(descriptor) : undefined;
    const bound = name && readSocketName(name);
    return bound !== undefined && formatAddress(bound) === formatAddress(address);
  });
  if (found === undefined) throw new Error(`the runtime does not listen on ${formatAddress(address)}`);
  return found;
}

function descriptorOf({ name }: PassedAddress, sockets: PassedSockets): number {
  const [descriptor, ...others] = sockets[name] ?? [];
  if (descriptor !== undefined && others.length === 0) return descriptor;
  if (descriptor !== undefined) {
    const fact = `systemd has passed ${others.length + 1} sockets of that name`;
    throw notPassed(fact, "Give each ListenStream= a socket unit and a FileDescriptorName= of its own.");
  }
  const names = Object.keys(sockets);
  const fact = "systemd has passed no socket of that name";
  // A socket that moves while its unit is active is closed by daemon-reload, and systemd says nothing.
  const moved = "If its socket unit says so, systemctl stop that unit: it has moved.";
  if (names.length > 0)
    throw notPassed(fact, `It has passed: ${names.join(", ")}. Set FileDescriptorName=${name}. ${moved}`);
  const install = 'Install the socket unit that "supervisor systemd" writes, or use port instead.';
  throw notPassed(fact, `${install} ${moved.replace("says so", "is there")}`);
}

function notPassed(fact: string, hint: string): SupervisorError {
  return new SupervisorError("SOCKET_NOT_PASSED", fact, hint);
}

interface PassedSocket {
  readonly passed: number;
  readonly bound: NativeAddress;
  readonly calls: SystemCalls;
}

function listeningSocket(passed: number, calls: SystemCalls | undefined): PassedSocket {
  if (!calls) throw notPassed("this system lets no program take over a socket", "Use port instead.");
  const name = calls.socketName(passed);
  const bound = name && readSocketName(name);
  if (bound && calls.isListening(passed)) return { passed, bound, calls };
  const hint = "Use ListenStream= without Accept= in the socket unit.";
  throw notPassed(`descriptor ${passed} does not listen`, hint);
}

function listenOn(
  { passed, bound, calls }: PassedSocket,
  serve: (own: NativeAddress) => NativeServer,
): NativeServer {
  const own = ownAddress(bound);
  const server = serve(own);
  try {
    const descriptor = listeningOn(server.address, calls);
    const watches = watchesOf(descriptor);
    calls.keepFromChildren(passed);
    // The runtimes accept until nobody is left, which would otherwise wait for the next one.
    calls.neverWait(passed);
    if (!calls.replace(descriptor, passed)) throw new Error("the socket cannot be put in its place");
    calls.keepFromChildren(descriptor);
    // Some of them may be one instance under two numbers: then only the first has room for it.
    const kept = watches.filter(({ epoll, event }) => calls.watch(epoll, descriptor, event));
    if (kept.length === 0) throw new Error("no event loop watches the socket");
    return onPassed(server, bound, (longestMs) => {
      for (const { epoll } of kept) calls.unwatch(epoll, descriptor);
      return allHeard(bound, calls, longestMs);
    });
  } catch (error) {
    void server.kill();
    throw error;
  } finally {
    if (own.tag === "unix") rmSync(own.path, { force: true });
  }
}

/** Of the same kind as the passed one, and nobody's: it is there for a millisecond. */
function ownAddress(passed: NativeAddress): NativeAddress {
  if (passed.tag === "tcp") return { tag: "tcp", host: "127.0.0.1", port: 0 };
  return { tag: "unix", path: join(tmpdir(), `supervisor-${crypto.randomUUID()}.sock`) };
}

function onPassed(
  server: NativeServer,
  address: NativeAddress,
  quiesce: (longestMs: number) => Promise<void>,
): NativeServer {
  let isOpen = true;
  const ending = <T>(end: () => T): T => {
    isOpen = false;
    return end();
  };
  return {
    address,
    peer: (request, info) => server.peer(request, info),
    hold: (request, held) => server.hold(request, held),
    follow: (exclusive) => server.follow(exclusive),
    watch: (request, info) => server.watch(request, info),
    whenGone: (request, info, gone) => server.whenGone(request, info, gone),
    facade: (request, info, owner) => server.facade(request, info, owner),
    ...(server.sending ? { sending: sendingFrom(address.tag === "tcp" ? address.port : undefined) } : {}),
    // Once it is closed, its number may be anybody's.
    quiesce: async (longestMs) => (isOpen ? quiesce(longestMs) : undefined),
    stop: () => ending(() => server.stop()),
    kill: () => ending(() => server.kill()),
  };
}

/** Clients that never stop asking on one more of their connections delay a stop by no more than this. */
const patienceMs = 1_000;
/** Who keeps connections and asks again within this time has learnt that they will be closed. */
const silenceMs = 100;
const lookMs = 5;

/**
 * Resolves when every connection that was accepted there has ended, or nothing has come on any of them, and none has
 * ended, for a while. What was before does not count: a client whose busy connections end turns to those that it has
 * not used for long, and to close one of them just then would lose a request.
 */
async function allHeard(address: NativeAddress, calls: SystemCalls, longestMs: number): Promise<void> {
  const began = performance.now();
  let last = began;
  let open: readonly number[] = [];
  for (let now = began; now - began < Math.min(patienceMs, longestMs); now = performance.now()) {
    const before = open;
    open = connectionsTo(address, calls);
    if (open.length === 0) return;
    if (before.some((descriptor) => !open.includes(descriptor))) last = now;
    for (const descriptor of open) last = Math.max(last, now - (calls.silence(descriptor) ?? now - last));
    if (now - last >= silenceMs) return;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function connectionsTo(address: NativeAddress, calls: SystemCalls): number[] {
  return descriptors().filter((descriptor) => {
    const name = calls.socketName(descriptor);
    const bound = name && readSocketName(name);
    if (!bound || calls.isListening(descriptor)) return false;
    if (bound.tag === "unix" || address.tag === "unix")
      return formatAddress(bound) === formatAddress(address);
    // The address of a connection is one of the machine's, also where the socket is open on all of them.
    return bound.port === address.port;
  });
}

interface Watch {
  readonly epoll: number;
  readonly event: { readonly events: number; readonly data: bigint };
}

/** Who is told when there is something to accept, and by which mark the server is known there. */
function watchesOf(descriptor: number): Watch[] {
  return descriptors().flatMap((epoll) => {
    if (linkOf(epoll) !== "anon_inode:[eventpoll]") return [];
    const rows = readFileSync(`/proc/self/fdinfo/${epoll}`, "utf8").matchAll(
      /^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/gm,
    );
    return [...rows].flatMap(([, watched, events, data]) =>
      Number(watched) === descriptor
        ? [{ epoll, event: { events: Number.parseInt(events as string, 16), data: BigInt(`0x${data}`) } }]
        : [],
    );
  });
}

function descriptors(): number[] {
  return readdirSync("/proc/self/fd").map(Number);
}

function linkOf(descriptor: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // Closed meanwhile: it was the one that listed them.
    return "";
  }
}
