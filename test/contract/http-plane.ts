import { bindingCases } from "./http-binding.ts";
import { drainingCases } from "./http-draining.ts";
import { replacingCases } from "./http-replacing.ts";
import { servingCases } from "./http-serving.ts";
import type { Case } from "./http-setup.ts";
import { socketCases } from "./http-sockets.ts";

/** What the HTTP plane promises on every runtime: real sockets, no test framework. */
export const httpPlaneCases: readonly Case[] = [
  ...bindingCases,
  ...servingCases,
  ...drainingCases,
  ...socketCases,
  ...replacingCases,
];
