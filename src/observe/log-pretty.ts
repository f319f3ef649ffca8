import type { LogFields, LogLevel, LogRecord } from "../core/log.ts";
import { shownText } from "../core/shown-text.ts";
import type { Plain } from "./plain-value.ts";
import { cutText, plainFieldValue } from "./plain-value.ts";
import type { Redactor } from "./redact.ts";

/**
 * Key of a field for people only: a function whose text stands in place of the fields, which then are for
 * JSON readers. Text of several lines is indented below the record.
 */
export const shownAs: unique symbol = Symbol("shownAs");

/** Fields of a record whose message says already what they say: people are shown `shown` instead, if anything. */
export function told(fields: LogFields, shown: () => string = () => ""): LogFields {
  return { ...fields, [shownAs]: shown } as LogFields;
}

export interface PrettyOptions {
  readonly color: boolean;
  readonly nameWidth: number;
  readonly redactor: Redactor;
}

/**
 * Returns how records look on a terminal: `12:04:05.678 INFO  morning  message key=value`, errors and other
 * text of several lines indented below. The column of the names grows with longer ones.
 */
export function createPrettyFormat(options: PrettyOptions): (record: LogRecord) => string {
  const { color, nameWidth, redactor } = options;
  const paint = color ? painted : unpainted;
  let width = Math.min(nameWidth, widestName);
  return (record) => {
    const service = record.service ?? spokenOf(record);
    width = Math.max(width, Math.min(service?.length ?? 0, widestName));
    const message = shownText(redactor.text(cutText(record.message)), color);
    const [first = "", ...below] = message.split("\n");
    const { inline, blocks } = record.fields ? details(record, service, redactor, paint) : nothing;
    const column = (service ?? "").padEnd(width);
    const line = [
      paint(dim, clockTime(record.time)),
      paint(levelColors[record.level], record.level.toUpperCase().padEnd(5)),
      ...(width > 0 ? [service ? paint(nameColor(service), column) : column] : []),
      record.level === "fatal" ? paint(bold, first) : first,
      ...inline,
    ].join(" ");
    return [line, ...indent(below), ...blocks].join("\n").concat("\n");
  };
}

const widestName = 20;
const nothing: Details = { inline: [], blocks: [] };

interface Details {
  readonly inline: readonly string[];
  readonly blocks: readonly string[];
}

type Paint = (code: string, text: string) => string;

const dim = "2";
const bold = "1";
const levelColors: Record<LogLevel, string> = {
  debug: dim,
  info: "32",
  warn: "33",
  error: "31",
  fatal: "1;37;41",
};
/** No red and no yellow: those are levels. */
const nameColors = ["36", "35", "34", "96", "95", "94", "92"] as const;

const painted: Paint = (code, text) => `\u001b[${code}m${text}\u001b[0m`;
const unpainted: Paint = (_code, text) => text;

/** The supervisor speaks of a service by naming it in the fields. */
function spokenOf({ fields }: LogRecord): string | undefined {
  return typeof fields?.service === "string" ? fields.service : undefined;
}

function details(record: LogRecord, service: string | undefined, redactor: Redactor, paint: Paint): Details {
  const fields = record.fields as Readonly<Record<string | symbol, unknown>>;
  const shown = fields[shownAs];
  const inline: string[] = [];
  const blocks: string[] = [];
  if (typeof shown === "function") {
    const [first = "", ...below] = shownText(redactor.text(String(shown()))).split("\n");
    if (first) inline.push(first);
    blocks.push(...indent(below));
  }
  for (const name in record.fields) {
    const value = record.fields[name];
    if (value === undefined || isTold(name, value, service)) continue;
    if (value instanceof Error) {
      blocks.push(
        ...indent(
          errorLines(plainFieldValue(name, value, redactor)).map((line) => shownText(line)),
          paint,
        ),
      );
      continue;
    }
    if (typeof shown === "function") continue;
    const plain = plainFieldValue(name, value, redactor);
    if (typeof plain === "string" && plain.includes("\n"))
      blocks.push(...indent(shownText(plain).split("\n"), paint));
    else inline.push(paint(dim, shownText(`${name}=${inlineText(plain)}`)));
  }
  return { inline, blocks };
}

function isTold(name: string, value: unknown, service: string | undefined): boolean {
  return name === "service" && value === service;
}

function inlineText(value: Plain): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

/** Stack, then the hint, then what caused it, in the order people look for them. */
function errorLines(error: Plain, prefix = ""): string[] {
  if (typeof error !== "object" || error === null || Array.isArray(error))
    return [`${prefix}${String(error)}`];
  const { name, message, stack, cause, hint, code, ...more } = error as { readonly [key: string]: Plain };
  // Anything can be thrown, and be a cause.
  if (name === undefined && message === undefined) return [`${prefix}${JSON.stringify(error)}`];
  const title = `${String(name)}: ${String(message)}`;
  const frames = typeof stack === "string" ? framesOf(stack) : [];
  const extra = Object.keys(more).length > 0 ? [`  ${JSON.stringify(more)}`] : [];
  return [
    ...`${prefix}${title}${typeof code === "string" && code ? ` (${code})` : ""}`.split("\n"),
    ...(typeof hint === "string" ? [`  hint: ${hint}`] : []),
    ...frames,
    ...extra,
    ...(cause === undefined ? [] : errorLines(cause, "caused by: ")),
  ];
}

/** The message is told already; runtimes repeat it above the frames, each in its own way. */
function framesOf(stack: string): string[] {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => `  ${line.trim()}`);
}

function indent(lines: readonly string[], paint: Paint = unpainted): string[] {
  return lines.map((line) => `    ${/^\s+at /.test(line) ? paint(dim, line) : line}`);
}

/** The same service has the same colour in every run. */
function nameColor(service: string): string {
  let hash = 0;
  for (let index = 0; index < service.length; index++) hash = (hash * 31 + service.charCodeAt(index)) | 0;
  return nameColors[Math.abs(hash) % nameColors.length] as string;
}

function clockTime(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}
