import { SupervisorError } from "../core/errors.ts";

/** The number that an option gives, from 1 to `most`. @throws SupervisorError USAGE */
export function readCount(option: string, text: string | undefined, usual: number, most: number): number {
  if (text === undefined) return usual;
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1 && count <= most) return count;
  throw new SupervisorError("USAGE", `--${option} cannot be "${text}"`, `Write a number from 1 to ${most}.`);
}
