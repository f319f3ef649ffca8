import { shownText } from "../core/shown-text.ts";
import type { LineFormat } from "./print-lines.ts";
import { clockTime, dropped, pairs } from "./record-text.ts";
import { painted } from "./terminal.ts";

const levelColors: Readonly<Record<string, string>> = { warn: "33", error: "31", fatal: "1;31", debug: "2" };

/** `12:04:05.678 INFO  payments  message key=value`; the stack of an error is indented below. */
export const logLine: LineFormat = (record, color) => {
  if (record.type === "dropped") return dropped(record);
  const { time, level, msg, service, generation: _generation, error, ...fields } = record;
  const word = String(level).toUpperCase().padEnd(5);
  const line = [
    clockTime(time),
    painted(word, levelColors[String(level)] ?? "", color),
    ...(service === undefined ? [] : [`${service} `]),
    shownText(String(msg), color),
    ...pairs(fields).map((pair) => shownText(pair)),
  ].join(" ");
  return error === undefined ? line : `${line}\n${shownText(errorText(error))}`;
};

function errorText(error: unknown): string {
  if (typeof error !== "object" || error === null) return `    ${String(error)}`;
  const { name, message, stack } = error as Readonly<Record<string, unknown>>;
  const title = `${String(name ?? "Error")}: ${String(message ?? "")}`;
  const frames = typeof stack === "string" ? stack.split("\n").filter((line) => /^\s+at /.test(line)) : [];
  return [title, ...frames.map((frame) => `  ${frame.trim()}`)].map((line) => `    ${line}`).join("\n");
}
