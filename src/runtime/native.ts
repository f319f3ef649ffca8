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
