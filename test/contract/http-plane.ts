import { bindingCases } from "./http-binding.ts";
import { drainingCases } from "./http-draining.ts";
import { replacingCases } from "./http-replacing.ts";
import { servingCases } from "./http-serving.ts";
import type { Case } from "./http-setup.ts";
import { throughPort } from "./http-setup.ts";
import { socketCases } from "./http-sockets.ts";

/** What the HTTP plane promises on every runtime: real sockets, no test framework. */
export const httpPlaneCases: readonly Case[] = [
  ...bindingCases,
  ...servingCases,
  ...drainingCases,
  ...socketCases,
  ...replacingCases,
];

/** What cannot hold across threads, or shows only on the thread where a service runs. */
const onlyInline = [
  "runs in the scope of",
  "events run in the scope of",
  "hono's adapter",
  "leave nothing behind",
  "where the runtime tells",
  // A thread is given a small body whole: it answers nobody who does not end it.
  "never ends its request",
];

/** The same promises for a service in a worker. */
export const httpWorkerCases: readonly Case[] = [
  ...servingCases,
  ...drainingCases,
  ...socketCases,
  ...replacingCases,
]
  .filter(({ name }) => !onlyInline.some((part) => name.includes(part)))
  .map(throughPort);
