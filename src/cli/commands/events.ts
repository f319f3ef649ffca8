import { eventText } from "../event-text.ts";
import type { Handler } from "../handler.ts";
import { printLines } from "../print-lines.ts";

export const command: Handler<"events"> = ({ options }, terminal) =>
  printLines("/events", "", options, terminal, eventText);
