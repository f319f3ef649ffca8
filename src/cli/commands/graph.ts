import { ExitCode } from "../../core/exit.ts";
import { startOrder } from "../../core/order.ts";
import type { Plan } from "../../core/plan.ts";
import { columns } from "../columns.ts";
import type { Handler } from "../handler.ts";
import { readTarget } from "../read-target.ts";

export const command: Handler<"graph"> = async ({ positionals, options }, terminal) => {
  const plan = await readTarget(positionals, options.env, terminal);
  terminal.out(`${renderers[options.format ?? "text"](plan).join("\n")}\n`);
  return ExitCode.clean;
};

const renderers = { text, mermaid, dot };

/** One line for each service in start order, with what it waits for. */
function text(plan: Plan): string[] {
  return columns(
    startOrder(plan.services).map(({ name, dependsOn }) => {
      const needs = Object.entries(dependsOn).map(([need, condition]) => `${need} (${condition})`);
      return needs.length === 0 ? [name] : [name, `after ${needs.join(", ")}`];
    }),
  );
}

/** Arrows point from a service to what it needs. Ids are numbers, because "end" and "graph" are reserved words. */
function mermaid(plan: Plan): string[] {
  const id = new Map(plan.services.map((service, index) => [service.name, `s${index}`]));
  return [
    "flowchart LR",
    ...plan.services.map(({ name }) => `  ${id.get(name)}["${name}"]`),
    ...edges(plan).map(([from, to, condition]) => `  ${id.get(from)} -->|${condition}| ${id.get(to)}`),
  ];
}

function dot(plan: Plan): string[] {
  const quoted = JSON.stringify;
  return [
    `digraph ${quoted(plan.name)} {`,
    "  rankdir=LR;",
    ...plan.services.map(({ name }) => `  ${quoted(name)};`),
    ...edges(plan).map(([from, to, label]) => `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(label)}];`),
    "}",
  ];
}

function edges(plan: Plan): [from: string, to: string, condition: string][] {
  return plan.services.flatMap(({ name, dependsOn }) =>
    Object.entries(dependsOn).map(([need, condition]): [string, string, string] => [name, need, condition]),
  );
}
