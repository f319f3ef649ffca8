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
  /** Why signals cannot be seen while main is frozen, when that is so. */
  readonly limitation?: string;
}
