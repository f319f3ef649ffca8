import type { Delivery } from "./driver.ts";
import { Item } from "./item.ts";
import { parsePayload } from "./payload.ts";

/** Makes items of deliveries, with what orders them: the task's own key, or that of `consume.key`. */
export type ItemMaker = (delivery: Delivery, now: number) => Item;

/**
 * `expression` is `data.PATH` with dots and `[n]`, or `header.NAME`. A message without such a value, or whose value is an
 * object or empty, has no key: it runs beside all others.
 */
export function itemMaker(expression: string | undefined, hasManyQueues: boolean): ItemMaker {
  const keyOf = expression === undefined ? undefined : readExpression(expression);
  return (delivery, now) => {
    let key = delivery.key;
    let parsed: unknown;
    if (key === undefined && keyOf) ({ key, parsed } = keyOf(delivery));
    if (key === undefined) return new Item(delivery, now, undefined, undefined, parsed);
    return new Item(delivery, now, key, hasManyQueues ? laneIdOf(delivery.queue, key) : key, parsed);
  };
}

export function laneIdOf(queue: string, key: string): string {
  return `${queue}\0${key}`;
}

interface Found {
  readonly key: string | undefined;
  readonly parsed?: unknown;
}

function readExpression(expression: string): (delivery: Delivery) => Found {
  if (expression.startsWith("header.")) {
    const name = expression.slice("header.".length);
    const lower = name.toLowerCase();
    return ({ headers }) => ({ key: keyText(headers[name] ?? headers[lower]) });
  }
  const path = expression.slice("data".length).match(/[^.[\]]+/g) ?? [];
  return ({ payload }) => {
    let parsed: unknown;
    try {
      parsed = parsePayload(payload);
    } catch {
      // It is no JSON, so it has no such value; its handler will meet the error.
      return { key: undefined };
    }
    return { key: keyText(path.reduce(member, parsed)), parsed };
  };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function keyText(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
