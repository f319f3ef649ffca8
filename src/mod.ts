/**
 * What authors of services and programs import:
 *
 * ```ts
 * import { ServiceGroup, withStart } from "supervisor";
 * ```
 *
 * @module
 */
export { PermanentError } from "./core/errors.ts";
export type { ServiceStop, StopReport } from "./core/report.ts";
export type {
  Context,
  Handler,
  Health,
  Logger,
  RequestEnv,
  Service,
  ServiceHandle,
  WebSocketUpgrade,
} from "./service/contract.ts";
export { defineService, withStart, withStarter } from "./service/define.ts";
export type {
  Duration,
  EnqueuedTask,
  EnqueueOptions,
  EnqueueOutcome,
  FoundTask,
  Message,
  Middleware,
  Queue,
  TaskRequest,
  Tick,
} from "./service/message.ts";
export type { AddOptions, GroupSettings } from "./service-group.ts";
export { ServiceGroup } from "./service-group.ts";
