import type { Inherited } from "./core/inherited.ts";
import type { StopReport } from "./core/report.ts";
import { isJournal } from "./core/terminal.ts";
import type { SystemCalls } from "./runtime/native.ts";
import { openSystemCalls } from "./runtime/native-detect.ts";
import { withPassedSockets } from "./runtime/passed-listener.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { endNotice, failureNotice } from "./systemd/failure-notice.ts";
import { unixAddress } from "./systemd/socket-address.ts";

/** What a thread has to do with the systemd that has started the process. */
export interface SystemdLink {
  /** Sends one datagram to it; what it does not take now is dropped. Undefined when nobody listens. */
  readonly notify: ((text: string) => void) | undefined;
  /** CLOCK_MONOTONIC, in microseconds. */
  monotonicUs(): bigint;
  /** The same runtime, whose servers can listen on the sockets that systemd has passed. */
  onSockets(runtime: Runtime): Runtime;
  /** Hands an entry to the journal; false when it does not take it. Undefined when standard error is not the journal. */
  readonly journal: ((entry: Uint8Array) => boolean) | undefined;
  /** Tells why there will be no start. */
  failed(error: unknown): void;
  /** Tells why it has ended, when that was a failure. */
  ended(report: StopReport): void;
}

/** Opens nothing where no systemd has said anything. Never rejects. */
export async function linkSystemd(inherited: Inherited): Promise<SystemdLink> {
  const { notifySocket, sockets } = inherited;
  const isLogged = isJournal(process.env, 2);
  const isNeeded = isLogged || notifySocket !== undefined || Object.keys(sockets).length > 0;
  const calls = isNeeded ? await openSystemCalls() : undefined;
  const notify = senderTo(notifySocket, calls);
  const journal = isLogged ? unixAddress(journalSocket) : undefined;
  return {
    notify,
    monotonicUs: () => calls?.monotonicUs() ?? 0n,
    onSockets: (runtime) => withPassedSockets(runtime, sockets, calls),
    journal: calls && journal && ((entry) => calls.sendDatagram(journal, entry)),
    failed: (error) => notify?.(failureNotice(error)),
    ended(report) {
      const notice = endNotice(report);
      if (notice !== undefined) notify?.(notice);
    },
  };
}

const journalSocket = "/run/systemd/journal/socket";

function senderTo(
  socket: string | undefined,
  calls: SystemCalls | undefined,
): ((text: string) => void) | undefined {
  const address = socket === undefined ? undefined : unixAddress(socket);
  if (!address || !calls) return undefined;
  const encoder = new TextEncoder();
  return (text) => void calls.sendDatagram(address, encoder.encode(text));
}
