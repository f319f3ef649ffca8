import { number, oneOf, size } from "./fields.ts";

/* Where a service runs, and how it gives way to its next generation. */

export const isolation = oneOf(["inline", "worker"], {
  description:
    "Where the service runs. `inline`: on the main thread, at no cost, but a busy loop in it stops every service. `worker`: in a thread of its own, which can be ended when it hangs, crashes alone, and uses another core. The same module runs in both; see docs/isolation.md.",
  default: "inline",
  example: "worker",
});

export const instances = number({
  description:
    "Only with `isolation: worker`: how many threads run the service, 1 when absent. Each has its own copy of the module and runs all of its hooks; requests go to the least busy one. A thread sees its number as `ctx.env.SUPERVISOR_INSTANCE`.",
  min: 1,
  max: 1_024,
  example: "4",
});

export const memory = size({
  description:
    "Only with `isolation: worker`: the heap that one thread may use; above it the thread is ended and that is a failure of the service. It is looked at ten times a second, so a thread may use more for a moment. Deno itself holds a limit a quarter above. On Bun it is best effort for a thread that leaks without ever pausing: that one is found by the growth of the whole process, since nothing else can be seen.",
  example: "256MiB",
});

export const replace = oneOf(["start-first", "stop-first"], {
  description:
    "How a running service gives way to its next generation, after `restart` or a change of this file: `start-first` brings the new one up beside the old one and then switches, `stop-first` is for services that hold something only one can have, like a port of their own.",
  default: "start-first",
  example: "stop-first",
});
