import { formatDuration } from "../../core/duration.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Ladder } from "../../core/ladder.ts";
import { closingTime, stopLadder } from "../../core/ladder.ts";
import { startOrder, waves } from "../../core/order.ts";
import type { Plan } from "../../core/plan.ts";
import { columns } from "../columns.ts";
import type { Handler } from "../handler.ts";
import { readTarget } from "../read-target.ts";
import { bold } from "../terminal.ts";

export const command: Handler<"plan"> = async ({ positionals, options }, terminal) => {
  const plan = await readTarget(positionals, options.env, terminal);
  const ladder = stopLadder(plan.services, plan.shutdown);
  terminal.out(options.json ? planJson(plan, ladder) : planText(plan, ladder, terminal.outColor));
  return ExitCode.clean;
};

function planText(plan: Plan, ladder: Ladder, color: boolean): string {
  const [startHead, ...starts] = columns([["START", "SERVICE", "STARTS AFTER"], ...startRows(plan)]);
  const [stopHead, ...stops] = columns([stopHeads, ...stopRows(ladder)]);
  return [
    bold(startHead as string, color),
    ...starts,
    "",
    bold(stopHead as string, color),
    ...stops,
    "",
    budget(plan),
    "",
  ].join("\n");
}

function startRows(plan: Plan): string[][] {
  const wave = waves(plan.services);
  return startOrder(plan.services).map(({ name, dependsOn }) => {
    const after = Object.entries(dependsOn).map(([need, condition]) => `${need} (${condition})`);
    return [`${(wave.get(name) as number) + 1}`, name, listed(after)];
  });
}

const stopHeads = ["STOP", "SERVICE", "STOPS AFTER", "STOPS BEFORE", "DEADLINE", "AT LEAST", "LATEST END"];

function stopRows(ladder: Ladder): string[][] {
  return ladder.rungs.map((rung, index) => [
    `${index + 1}`,
    rung.service,
    listed(rung.after),
    listed(stopsBefore(ladder, rung.service)),
    formatDuration(rung.timeout),
    formatDuration(rung.guaranteed),
    formatDuration(rung.latestEnd),
  ]);
}

function budget(plan: Plan): string {
  const { timeout, delay, order } = plan.shutdown;
  const closing = closingTime(timeout);
  const how = order === "reverse" ? "one after the other" : "in parallel where depends_on allows";
  const parts = [
    ...(delay > 0 ? [`${formatDuration(delay)} delay`] : []),
    `${formatDuration(timeout - delay - closing)} for the services, ${how}`,
    `${formatDuration(closing)} closing`,
  ];
  return `Budget: ${formatDuration(timeout)} = ${parts.join(" + ")}`;
}

function planJson(plan: Plan, ladder: Ladder): string {
  const wave = waves(plan.services);
  const value = {
    name: plan.name,
    file: plan.file,
    start: startOrder(plan.services).map(({ name, dependsOn }) => ({
      service: name,
      wave: (wave.get(name) as number) + 1,
      after: dependsOn,
    })),
    stop: ladder.rungs.map((rung) => ({
      service: rung.service,
      after: rung.after,
      before: stopsBefore(ladder, rung.service),
      deadlineMs: rung.timeout,
      atLeastMs: rung.guaranteed,
      latestEndMs: rung.latestEnd,
    })),
    budgetMs: plan.shutdown.timeout,
    delayMs: plan.shutdown.delay,
    closingMs: closingTime(plan.shutdown.timeout),
    order: plan.shutdown.order,
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function stopsBefore(ladder: Ladder, service: string): string[] {
  return ladder.rungs.filter((rung) => rung.after.includes(service)).map((rung) => rung.service);
}

function listed(names: readonly string[]): string {
  return names.join(", ") || "-";
}
