import type { LogLevel, LogRecord } from "../core/log.ts";
import { cutText, plainFieldValue } from "./plain-value.ts";
import type { Redactor } from "./redact.ts";

/** syslog's numbers. */
export const priorities: Readonly<Record<LogLevel, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
};

/**
 * The record as systemd's journal takes it: SERVICE, GENERATION and every field under a name of its own, so that
 * `journalctl SERVICE=api` finds it. `identifier` is what stands before the message.
 */
export function journalEntry(record: LogRecord, redactor: Redactor, identifier: string): Uint8Array {
  const { fields } = record;
  const service = record.service ?? (typeof fields?.service === "string" ? fields.service : undefined);
  const message = redactor.text(cutText(record.message, longestMessage));
  const lines = new Map<string, string>([
    ["MESSAGE", service === undefined ? message : `${service}: ${message}`],
    ["PRIORITY", String(priorities[record.level])],
    ["SYSLOG_IDENTIFIER", identifier],
  ]);
  if (service !== undefined) lines.set("SERVICE", service);
  if (record.generation !== undefined) lines.set("GENERATION", String(record.generation));
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) addField(lines, name, value, redactor);
  }
  return encode(lines);
}

const longestMessage = 65_536;

function addField(lines: Map<string, string>, name: string, value: unknown, redactor: Redactor): void {
  const plain = plainFieldValue(name, value, redactor);
  const text = typeof plain === "string" ? plain : JSON.stringify(plain);
  const key = keyOf(name);
  if (!lines.has(key)) lines.set(key, text);
  if (!(value instanceof Error) || typeof plain !== "object" || plain === null) return;
  const { message, code, stack } = plain as Readonly<Record<string, unknown>>;
  // People read a line, not an object; what it holds can be asked for by itself.
  const told = String(message);
  const before = lines.get("MESSAGE") ?? "";
  if (!before.includes(told)) lines.set("MESSAGE", `${before}: ${told}`);
  if (typeof code === "string" && !lines.has("CODE")) lines.set("CODE", code);
  if (typeof stack === "string") lines.set(`${key}_STACK`, stack);
}

/** The journal takes capitals, digits and `_`, and keeps names that begin with `_` for itself. */
function keyOf(name: string): string {
  const key = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, "_")
    .slice(0, 60);
  return /^[A-Z]/.test(key) ? key : `FIELD_${key}`;
}

const encoder = new TextEncoder();

/** A value of several lines has its length before it: eight bytes, the lowest first. */
function encode(lines: ReadonlyMap<string, string>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, text] of lines) {
    if (!text.includes("\n")) {
      parts.push(encoder.encode(`${key}=${text}\n`));
      continue;
    }
    const value = encoder.encode(text);
    const size = new Uint8Array(8);
    new DataView(size.buffer).setBigUint64(0, BigInt(value.length), true);
    parts.push(encoder.encode(`${key}\n`), size, value, encoder.encode("\n"));
  }
  return Buffer.concat(parts);
}
