import type { StepResult } from "../core/command.ts";
import { within } from "../core/deadline.ts";
import { defaultStopTimeout } from "../core/ladder.ts";
import { inWaves } from "../core/order.ts";
import type { ShutdownPlan } from "../core/plan.ts";
import type { Child } from "./child.ts";
import type { Member } from "./host.ts";
import type { Done, Operations, World } from "./operations.ts";
import { isHeldBack, isServing } from "./state.ts";
import { createTurns } from "./turns.ts";

/** From one plan to the next. Services that no list names go on undisturbed, with the policies of their new member. */
export interface GroupChange {
  /** The whole new list, in the order of the plan. */
  readonly members: readonly Member[];
  readonly shutdown: ShutdownPlan;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** They need a new generation. */
  readonly changed: readonly string[];
  /** Only their config is new. */
  readonly reconfigured: readonly string[];
}

export interface UpdateOptions extends World {
  readonly operations: Operations;
  readonly add: (member: Member) => Child;
  readonly remove: (name: string) => void;
  /** Told when the list of services is complete, and again when every step was taken. */
  readonly adopted: (shutdown: ShutdownPlan) => void;
  /** Told before `adopted`, when other services are there, another order, or other dependencies. */
  readonly rewired: (members: readonly Member[]) => void;
}

/** The function behind `Group.update`: one change after the other. */
export function createUpdate(options: UpdateOptions): (change: GroupChange) => Promise<StepResult[]> {
  const { children, clock, operations, isStopping, add, remove, adopted, rewired } = options;
  const inTurn = createTurns();

  async function update(change: GroupChange): Promise<StepResult[]> {
    const rewires = !isWiredAs(children, change.members);
    const steps = await removeAll(change.removed);
    if (!isStopping()) takeIn(change);
    tell(change, rewires);
    const stepsOf = stepFor(change);
    for (const wave of wavesOf(change)) steps.push(...(await Promise.all(wave.flatMap(stepsOf))));
    tell(change, rewires);
    return steps;
  }

  function tell({ members, shutdown }: GroupChange, rewires: boolean): void {
    if (isStopping()) return;
    if (rewires) rewired(members);
    adopted(shutdown);
  }

  /** Dependents first. */
  async function removeAll(names: readonly string[]): Promise<StepResult[]> {
    const members = names.flatMap((name) => children.get(name)?.member ?? []);
    const steps: StepResult[] = [];
    for (const wave of inWaves(members).reverse()) {
      steps.push(...(await Promise.all(wave.map(({ name }) => operations.step(name, "remove", leave)))));
    }
    return steps;
  }

  async function leave(child: Child): Promise<Done> {
    const end = await child.stop(child.member.stopTimeout ?? defaultStopTimeout);
    // Once the group stops, its report is about everybody who was there when that began.
    if (isStopping()) return { action: "remove" };
    remove(child.member.name);
    return {
      action: "remove",
      note: end.abandoned ? "it did not stop in time and was abandoned" : undefined,
    };
  }

  function takeIn({ members, added, changed, reconfigured }: GroupChange): void {
    const [isNew, later] = [new Set(added), new Set([...changed, ...reconfigured])];
    for (const member of members) {
      if (isNew.has(member.name)) add(member);
      else if (!later.has(member.name)) children.get(member.name)?.adopt(member);
    }
  }

  function stepFor({ added, changed, reconfigured }: GroupChange) {
    const [isNew, isChanged, isReconfigured] = [new Set(added), new Set(changed), new Set(reconfigured)];
    return (member: Member): Promise<StepResult>[] => {
      const { name } = member;
      if (isNew.has(name)) return [operations.step(name, "add", welcome)];
      if (isChanged.has(name)) return [operations.step(name, "replace", (child) => renew(child, member))];
      if (!isReconfigured.has(name)) return [];
      return [operations.step(name, "reconfigure", (child) => reconfigure(child, member))];
    };
  }

  function welcome(child: Child): Promise<Done> {
    child.revive(false);
    return operations.start(child, "add", false);
  }

  function renew(child: Child, member: Member): Promise<Done> {
    if (!isHeldBack(child.state)) return operations.replace(child, member, "replace");
    child.adopt(member);
    return Promise.resolve({
      action: "unchanged",
      note: "an operator has stopped it: this holds from its next start",
    });
  }

  async function reconfigure(child: Child, member: Member): Promise<Done> {
    if (!isServing(child.state) || !(await tookConfig(child, member))) return renew(child, member);
    child.adopt(member);
    return { action: "reconfigure" };
  }

  /** A service that cannot take its config in time gets a new generation, which can. */
  async function tookConfig(child: Child, member: Member): Promise<boolean> {
    if (!member.nextConfig) return false;
    const taken = member.nextConfig().then((config) => child.reload(config));
    const outcome = within(clock, clock.now() + member.startTimeout, taken);
    const stopped = child
      .until(() => child.isFinal, member.startTimeout)
      .then(() => ({ tag: "late" }) as const);
    const ended = await Promise.race([outcome, stopped]);
    return ended.tag === "done" && ended.value;
  }

  return (change) => inTurn("update", () => update(change));
}

/** The order needs all services, also those between two that change; one alone needs none. */
function wavesOf({ members, added, changed, reconfigured }: GroupChange): Member[][] {
  const names = [...added, ...changed, ...reconfigured];
  if (names.length > 1) return inWaves(members);
  return [members.filter(({ name }) => name === names[0])];
}

/** Whether the same services stand in the same order, each with the dependencies that it has now. */
function isWiredAs(children: ReadonlyMap<string, Child>, members: readonly Member[]): boolean {
  if (children.size !== members.length) return false;
  const known = children.values();
  return members.every((member) => {
    const now = known.next().value?.member;
    return now === member || (now?.name === member.name && needsSame(now, member));
  });
}

function needsSame({ dependsOn: now }: Member, { dependsOn: next }: Member): boolean {
  const names = Object.keys(now);
  return names.length === Object.keys(next).length && names.every((name) => now[name] === next[name]);
}
