import type { Claim } from "./control/claim.ts";
import type { LogTap } from "./control/log-tap.ts";
import type { OperatorLink, OperatorOptions } from "./control/operator-link.ts";
import { startOperator } from "./control/operator-link.ts";
import type { OperatorData, SignalTurn } from "./control/protocol.ts";
import type { Beacon } from "./core/beacon.ts";
import type { CommandError } from "./core/command.ts";
import { messageOf } from "./core/errors.ts";
import type { Events } from "./core/events.ts";
import type { Inherited } from "./core/inherited.ts";
import type { Logger } from "./core/log.ts";
import type { Plan } from "./core/plan.ts";
import { formatAddress } from "./core/plan.ts";
import type { Group } from "./group/group.ts";
import { lookOf } from "./plan-log.ts";

export interface OperatorWiring {
  readonly plan: Plan;
  readonly claim?: Claim;
  readonly stopReportFile?: string;
  readonly signals?: boolean;
  readonly inherited?: Inherited;
  readonly beacon: Beacon;
  readonly group: Group;
  readonly events: Events;
  readonly log: Logger;
  /** Undefined: nothing listens that could be asked for the last lines. */
  readonly tap: LogTap | undefined;
  readonly execute: NonNullable<OperatorOptions["execute"]>;
}

const signalTurn: SignalTurn = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/**
 * Starts the operator's plane and connects it with what it needs to know. The services do not wait for it, but do not
 * stay without it either: when it cannot run, the group stops.
 */
export function wireOperator(wiring: OperatorWiring): OperatorLink {
  const { events, log, tap, execute } = wiring;
  const operator = startOperator({
    ...operatorData(wiring),
    entry: new URL("./operator.ts", import.meta.url),
    execute,
    missing: (problem) => tellUnreachable(log, problem),
    ...(tap ? { tap } : {}),
  });
  events.on(operator.listener);
  watchListening(operator, wiring);
  return operator;
}

/** Says that no command will find this process, and why. */
export function tellUnreachable(log: Logger, { code, message, hint }: CommandError): void {
  log.warn(`${message}; commands like "supervisor status" will not find this process`, { code, hint });
}

function operatorData({
  plan,
  claim,
  stopReportFile,
  signals,
  inherited,
  beacon,
}: OperatorWiring): OperatorData {
  return {
    name: plan.name,
    file: plan.file,
    startedAt: Math.round(performance.timeOrigin),
    admin: plan.admin,
    ...(claim ? { control: claim.files } : {}),
    log: lookOf(plan),
    secrets: plan.secrets,
    services: plan.services.map(({ name, critical }) => ({ name, critical })),
    beacon,
    budgetMs: plan.shutdown.timeout,
    ...(signals === false ? {} : { signalTurn }),
    ...(inherited ? { inherited, retries: retriesOf(plan) } : {}),
    ...(stopReportFile === undefined ? {} : { stopReportFile }),
  };
}

function retriesOf({ services }: Plan): Record<string, number> {
  return Object.fromEntries(services.map(({ name, restart }) => [name, restart.limit]));
}

function watchListening(operator: OperatorLink, { group, events, log }: OperatorWiring): void {
  operator.listening.then(
    (address) => {
      if (address) events.emit({ type: "listening", url: urlOf(formatAddress(address)) });
    },
    (error) => {
      log.error("the operator's plane cannot run", { error });
      void group.stop({ tag: "operator", message: messageOf(error) });
    },
  );
}

function urlOf(address: string): string {
  return address.startsWith("unix:") ? address : `http://${address}`;
}
