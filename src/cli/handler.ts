import type { CommandName, Invocation } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What a command's file exports as `command`: does it all and returns the exit code. `name` is how it was called. */
export type Handler<Name extends CommandName> = (
  invocation: Invocation<Name>,
  terminal: Terminal,
  name: Name,
) => number | Promise<number>;
