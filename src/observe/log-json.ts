import type { LogRecord } from "../core/log.ts";
import { cutText, plainFieldValue } from "./plain-value.ts";
import type { Redactor } from "./redact.ts";

/** The record as one JSON line with its line feed; a field named like one of the record's own gets a `_` before it. */
export function jsonLine(record: LogRecord, redactor: Redactor): string {
  const { fields } = record;
  // The supervisor speaks of a service by naming it in the fields.
  const spokenOf = record.service === undefined && typeof fields?.service === "string";
  let line = `{"time":"${isoTime(record.time)}","level":"${record.level}"`;
  line += `,"msg":${JSON.stringify(redactor.text(cutText(record.message, longestMessage)))}`;
  if (record.service !== undefined) line += `,"service":${JSON.stringify(record.service)}`;
  if (record.generation !== undefined) line += `,"generation":${record.generation}`;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined) continue;
    const own = ownNames.has(name) && !(spokenOf && aboutService.has(name));
    line += `,${JSON.stringify(own ? `_${name}` : name)}:${JSON.stringify(plainFieldValue(name, value, redactor))}`;
  }
  return `${line}}\n`;
}

const longestMessage = 65_536;
const ownNames: ReadonlySet<string> = new Set(["time", "level", "msg", "service", "generation"]);
const aboutService: ReadonlySet<string> = new Set(["service", "generation"]);

let lastTime = Number.NaN;
let lastText = "";

/** Many records share a millisecond, and the conversion is the dearest part of a short one. */
function isoTime(time: number): string {
  if (time !== lastTime) {
    lastText = new Date(time).toISOString();
    lastTime = time;
  }
  return lastText;
}
