import { SupervisorError } from "../core/errors.ts";
import type { Wait } from "../core/events.ts";
import type { DependencyCondition } from "../core/plan.ts";
import type { Child } from "./child.ts";
import type { Member } from "./host.ts";
import { isHeldBack } from "./state.ts";

type Children = ReadonlyMap<string, Child>;

/** By name: who depends on it. */
export function dependentsOf(members: Iterable<Member>): Map<string, string[]> {
  const dependents = new Map<string, string[]>();
  for (const member of members) {
    for (const need of Object.keys(member.dependsOn)) {
      const known = dependents.get(need);
      if (known) known.push(member.name);
      else dependents.set(need, [member.name]);
    }
  }
  return dependents;
}

/** What `member` still waits for, in words. */
export function unmet(children: Children, member: Member): string[] {
  return Object.entries(member.dependsOn)
    .filter(([name, condition]) => !holds(children.get(name), condition))
    .map(([name, condition]) => (condition === "ready" ? name : `${name} (${condition})`));
}

/** The same for machines; undefined: it waits for no other. */
export function waitOf(children: Children, member: Member): Wait | undefined {
  const needs = openNeeds(children, member).flatMap((name) => {
    const state = children.get(name)?.state.tag;
    return state ? [{ name, condition: member.dependsOn[name] as DependencyCondition, state }] : [];
  });
  return needs.length > 0 ? { service: member.name, needs } : undefined;
}

/** What `member` waits for and can never come true by itself any more. */
export function goneNeed(children: Children, member: Member): string | undefined {
  return openNeeds(children, member).find((name) => children.get(name)?.state.tag === "failed");
}

/** What `member` waits for and an operator has stopped. */
export function heldNeed(children: Children, member: Member): string | undefined {
  return openNeeds(children, member).find((name) => {
    const child = children.get(name);
    return child !== undefined && isHeldBack(child.state);
  });
}

export function dependencyFailed(service: string, gone: string): SupervisorError {
  return new SupervisorError(
    "DEPENDENCY_FAILED",
    `Cannot start "${service}": "${gone}", which it depends on, has failed for good`,
    `Mend "${gone}" first, or remove it from services.${service}.depends_on.`,
  );
}

function openNeeds(children: Children, { dependsOn }: Member): string[] {
  return Object.keys(dependsOn).filter(
    (name) => !holds(children.get(name), dependsOn[name] as DependencyCondition),
  );
}

function holds(child: Child | undefined, condition: DependencyCondition): boolean {
  if (!child) return true;
  const { tag } = child.state;
  if (condition === "started") return child.startedAs !== undefined;
  return tag === "completed" || (condition === "ready" && tag === "ready");
}
