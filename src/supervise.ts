import type { Brokerage } from "./brokerage.ts";
import { createBrokerage } from "./brokerage.ts";
import { dropCodeOfStart } from "./code-of-start.ts";
import { createCommander } from "./commander.ts";
import type { PlanSource } from "./config/read-plan.ts";
import { assertAdminFree } from "./control/admin-probe.ts";
import type { Claim } from "./control/claim.ts";
import { createLogTap } from "./control/log-tap.ts";
import type { OperatorLink } from "./control/operator-link.ts";
import { createBeacon } from "./core/beacon.ts";
import { systemClock } from "./core/clock.ts";
import type { SupervisorError } from "./core/errors.ts";
import { messageOf } from "./core/errors.ts";
import { createEvents } from "./core/events.ts";
import type { Inherited } from "./core/inherited.ts";
import { createLogger } from "./core/log.ts";
import type { Plan } from "./core/plan.ts";
import type { Locate } from "./core/problem.ts";
import type { StopReport } from "./core/report.ts";
import type { Group } from "./group/group.ts";
import { createGroup } from "./group/group.ts";
import { createBlame } from "./host/blame.ts";
import type { HttpPlane } from "./http/http-plane.ts";
import { createHttpPlane } from "./http/http-plane.ts";
import { injectRequest } from "./inject.ts";
import type { Live } from "./live.ts";
import { createMembers } from "./members.ts";
import type { Definitions } from "./modules/definitions.ts";
import { captureConsole } from "./observe/console-capture.ts";
import { logEvents } from "./observe/event-log.ts";
import { startPulse } from "./observe/pulse.ts";
import { writeStopReport } from "./observe/stop-report-file.ts";
import { scopeTimers } from "./observe/timer-scope.ts";
import { lookOf, openLog } from "./plan-log.ts";
import { ownErrors, ownExit, ownSignals } from "./process.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { tellUnreachable, wireOperator } from "./wire-operator.ts";
import { createWorkers } from "./workers.ts";

export interface Supervised {
  readonly plan: Plan;
  readonly runtime: Runtime;
  readonly definitions: Definitions;
  readonly stopReportFile?: string;
  /** What makes this process the one of its name; absent: there is no control socket. Released at the end. */
  readonly claim?: Claim;
  /** Why there can be no control socket although there should be one. */
  readonly unclaimed?: SupervisorError;
  /** What systemd wants of this process; absent: nothing. */
  readonly inherited?: Inherited;
  /** Takes entries for systemd's journal; absent when standard error is not read by it. */
  readonly journal?: (entry: Uint8Array) => boolean;
  /** How to read the plan again; absent: nothing can be reloaded. */
  readonly reload?: Reload;
  /** Told as soon as the group exists, before it starts. */
  readonly created?: (group: Group) => void;
  /** Whether SIGTERM and the like are ours; a library user may keep them. @default true */
  readonly signals?: boolean;
}

export interface Reload {
  readonly locate: Locate;
  readonly read: () => Promise<PlanSource>;
  /** services.yaml and its overlay, when they and the code are to be watched. */
  readonly watch?: readonly string[];
}

/** Runs a plan until its group has ended. Owns the process meanwhile: signals, uncaught errors, console. */
export async function supervise(supervised: Supervised): Promise<StopReport> {
  const { plan, runtime, definitions } = supervised;
  const beacon = createBeacon();
  const events = createEvents();
  // Nobody can ask for the last lines when nothing listens.
  const tap = supervised.claim || plan.admin ? createLogTap() : undefined;
  const output = openLog(plan, tap, supervised.journal);
  const log = createLogger(output.sink, systemClock.wall);
  if (supervised.unclaimed) tellUnreachable(log, supervised.unclaimed);
  let { onUnattributed } = plan;
  let current = plan;
  const blame = createBlame(() => current.services);
  const release: (() => void)[] = [
    events.on(logEvents(log)),
    dropCodeOfStart(runtime, events),
    captureConsole(log),
    scopeTimers(beacon, blame.tag),
    startPulse(beacon),
    ownExit(),
    ownErrors((error) => {
      const culprit = blame.attribute(error);
      if (culprit?.tag === "running") return culprit.scope.failed(error);
      if (culprit) return events.emit({ ...culprit, type: "errorLeftBehind", error });
      events.emit({ type: "errorUnattributed", error });
      if (onUnattributed === "stop") void group.stop({ tag: "failure", message: messageOf(error) });
    }),
  ];
  // Now, because other threads read and transpile the modules while this one gets everything else ready.
  const workers = createWorkers({
    names: () => group.snapshots().map(({ name }) => name),
    brokers: () => brokerage.brokers.plans,
    secrets: plan.secrets,
    sink: output.sink,
    call: (service, request) => http.call(service, request),
  });
  const loading = definitions.load(workers);
  // Whoever awaits it below comes later; until then a rejection is not unhandled.
  loading.catch(() => {});
  const http = createHttpPlane({
    runtime,
    clock: systemClock,
    beacon,
    streamsTimeout: plan.shutdown.streamsTimeout,
    services: plan.services,
    onListening: (service, url) => events.emit({ type: "listening", url, ...(service ? { service } : {}) }),
  });
  release.push(events.on(http.follow));
  const brokerage = createBrokerage({
    plan,
    clock: systemClock,
    random: Math.random,
    log,
    sink: output.sink,
    tell: (work) => operator?.tellWork(work),
  });
  const hasNoFetch = (service: string) =>
    !http.isOpen(service) &&
    group.snapshots().some(({ name, state }) => name === service && state === "ready");
  const membersOf = createMembers({
    definitions,
    http,
    blame,
    beacon,
    sink: output.sink,
    clock: systemClock,
    workers,
    brokers: brokerage.brokers,
    intakes: brokerage.intakes,
  });
  const group = createGroup({
    members: membersOf(plan),
    shutdown: plan.shutdown,
    clock: systemClock,
    random: Math.random,
    events,
    stopping: (budgetMs) => http.stopping(budgetMs),
  });
  supervised.created?.(group);
  let operator: OperatorLink | undefined;
  const begun = Promise.withResolvers<void>();
  const live = whenAsked(supervised.reload, begun.promise, async ({ locate, read }) =>
    (await import("./live.ts")).createLive({
      source: { plan, locate },
      read,
      runtime,
      definitions,
      http,
      brokerage,
      group,
      membersOf,
      events,
      log,
      output,
      operator: () => operator,
      adopted(next) {
        ({ onUnattributed } = next);
        current = next;
        workers.adopt(next.services.map(({ name }) => name));
      },
      look: lookOf,
    }),
  );
  if (supervised.signals !== false) {
    const reload = live && (() => void live().then((it) => it.reload(false)));
    const { stopReportFile } = supervised;
    release.push(ownSignals({ name: plan.name, group, output, stopReportFile, reload }));
  }
  try {
    if (plan.admin) assertAdminFree(runtime, plan.admin.listen);
    const execute = createCommander({
      group,
      names: () => group.snapshots().map(({ name }) => name),
      inject: (service, request) => injectRequest({ call: http.call, hasNoFetch }, service, request),
      // Loaded when somebody asks: a start has no use for it.
      queues: async (command) =>
        (await import("./queue-access.ts")).operateOn(command, {
          plan: () => current,
          brokers: brokerage.brokers,
          live: brokerage.intakes.schedule,
          clock: systemClock,
        }),
      ...(live ? { reload: async (dryRun: boolean) => (await live()).reload(dryRun) } : {}),
    });
    operator = wireOperator({ ...supervised, beacon, group, events, log, tap, execute });
    await Promise.race([prepare(plan, loading, http, brokerage), group.ended]);
    // Does nothing when the stop came while the modules were loading.
    group.start();
    begun.resolve();
    const plans = supervised.reload?.watch;
    if (live && plans) void live().then((it) => release.push(it.watch(plans).close));
    const report = await group.ended;
    if (supervised.stopReportFile) writeStopReport(supervised.stopReportFile, report, log);
    return report;
  } finally {
    workers.forget();
    await http.closeAll();
    await brokerage.close();
    await operator?.close();
    for (const undo of release.reverse()) undo();
    output.flush();
  }
}

/** What `make` makes, once, when it is first asked for and the start has `begun`; nothing where there is no `reload`. */
function whenAsked(
  reload: Reload | undefined,
  begun: Promise<void>,
  make: (reload: Reload) => Promise<Live>,
): (() => Promise<Live>) | undefined {
  if (!reload) return undefined;
  let made: Promise<Live> | undefined;
  return () => {
    made ??= begun.then(() => make(reload));
    return made;
  };
}

/** Everything that can be found wrong before a service starts: modules, config blocks, addresses. */
async function prepare(
  plan: Plan,
  loading: Promise<void>,
  http: HttpPlane,
  brokerage: Brokerage,
): Promise<void> {
  await Promise.all([loading, brokerage.adopt(plan)]);
  await http.bind();
}
