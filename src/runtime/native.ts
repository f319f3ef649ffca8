/** What the operator's plane needs below JavaScript, because main may not run any. */
export interface Native {
  /**
   * Counts stop signals in the beacon from the moment they arrive, also while main is frozen; main's own
   * handlers see them as before. Cheap when it holds already: call it again to follow main's changes.
   */
  watchSignals(): void;
  /** Takes the watch off again: before this thread ends, and before main gives up its handlers. */
  release(): void;
  /** Ends the whole process at once, whatever main does; no exit handler runs. */
  exit(code: number): never;
  /**
   * Gives pages of the executable that only the start needed back to the kernel, and returns how many bytes; those
   * in use come back by themselves. 0 where nothing can be done; throws when the kernel refuses.
   */
  giveBack(): number;
  /** Why signals cannot be seen while main is frozen, when that is so. */
  readonly limitation?: string;
}

/** What Linux can do and the runtimes do not offer. Nothing here waits. */
export interface SystemCalls {
  /** Sends one datagram; `address` is a `sockaddr_un`. False when nobody takes it now, or when it is too large. */
  sendDatagram(address: Uint8Array, message: Uint8Array): boolean;
  /** CLOCK_MONOTONIC, which is also systemd's; the clocks of the runtimes begin with the process. */
  monotonicUs(): bigint;
  /** The `sockaddr` that a socket is bound to; undefined when the descriptor is no socket. */
  socketName(descriptor: number): Uint8Array | undefined;
  /** Whether the socket accepts connections. */
  isListening(descriptor: number): boolean;
  /**
   * For how many milliseconds a connection has been silent: 0 when something of it is unread. Undefined when it has
   * never sent anything, and on unix sockets, of which the kernel does not say it.
   */
  silence(descriptor: number): number | undefined;
  /** Programs that this process starts do not get the descriptor. */
  keepFromChildren(descriptor: number): void;
  /** Accepting from the socket never blocks, whoever holds it. */
  neverWait(descriptor: number): void;
  /** `descriptor` is from now on what `by` is; what it was before is closed. */
  replace(descriptor: number, by: number): boolean;
  /** Lets an epoll instance watch a descriptor. */
  watch(
    epoll: number,
    descriptor: number,
    event: { readonly events: number; readonly data: bigint },
  ): boolean;
  unwatch(epoll: number, descriptor: number): boolean;
}
