import type { Plan, ServicePlan } from "../core/plan.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Claim } from "./addresses.ts";
import { checkClaims } from "./addresses.ts";
import { checkExcess } from "./budget.ts";
import { reportName } from "./draft.ts";
import type { Report } from "./findings.ts";
import { reportTo } from "./findings.ts";
import { checkCycles, isEndless, reportEndless, reportSelf } from "./graph.ts";

/*
 * The rules of services.yaml for what a program makes itself: the same sentences, without a place.
 */

/** @throws ProblemsError when no service can be called `name`. */
export function assertName(name: string): void {
  throwing((report) => reportName(name, undefined, report));
}

/**
 * What services must fulfil among each other: dependencies, addresses, deadlines. All that they depend on is there.
 *
 * @throws ProblemsError
 */
export function assertTogether({ services, shutdown, admin }: Plan): void {
  throwing((report) => {
    let sound = true;
    const unsound: Report = (...args) => {
      sound = false;
      report(...args);
    };
    const restarts = new Map(services.map(({ name, restart }) => [name, restart]));
    for (const { name, dependsOn } of services) {
      if (Object.hasOwn(dependsOn, name)) reportSelf(name, undefined, unsound);
      for (const [need, condition] of Object.entries(dependsOn)) {
        const restart = restarts.get(need);
        if (restart && isEndless(condition, restart)) reportEndless(name, need, undefined, unsound);
      }
    }
    checkCycles(
      new Map(services.map(({ name, dependsOn }) => [name, Object.keys(dependsOn)])),
      () => undefined,
      unsound,
    );
    const claims = services.flatMap(claimOf);
    checkClaims(admin ? [{ ...adminClaim, address: admin.listen }, ...claims] : claims, report);
    if (sound) checkExcess(services, shutdown, () => undefined, report);
  });
}

function throwing(check: (report: Report) => void): void {
  const problems: Problem[] = [];
  check(reportTo(problems));
  if (problems.length > 0) throw new ProblemsError(problems);
}

function claimOf({ name, http }: ServicePlan): Claim[] {
  if (!http) return [];
  const { address, path, hostname, tls } = http;
  return [{ owner: `service "${name}"`, address, path, hostname, tls, alone: false, find: () => undefined }];
}

const adminClaim = {
  owner: "admin",
  path: "/",
  hostname: undefined,
  tls: undefined,
  alone: true,
  find: () => undefined,
} as const;
