import { shownText } from "../core/shown-text.ts";
import type { LineFormat } from "./print-lines.ts";
import { clockTime, dropped, pairs } from "./record-text.ts";

/** `12:04:05.678 payments: starting → ready`, other events as their type and what belongs to it. */
export const eventText: LineFormat = (record) => {
  if (record.type === "dropped") return dropped(record);
  const { time, type, ...fields } = record;
  if (type !== "serviceChanged")
    return [clockTime(time), String(type), ...pairs(fields).map((pair) => shownText(pair))].join(" ");
  const { service, from, to, generation, reason } = fields;
  const why = typeof reason === "string" ? `: ${shownText(reason.split("\n", 1)[0] as string)}` : "";
  return `${clockTime(time)} ${service}: ${from} → ${to} (generation ${generation})${why}`;
};
