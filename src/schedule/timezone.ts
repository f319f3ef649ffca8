import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";

/** Cities that people look for in vain: the zone database names another one. */
const otherNames: Readonly<Record<string, string>> = {
  beijing: "Asia/Shanghai",
  peking: "Asia/Shanghai",
  mumbai: "Asia/Kolkata",
  delhi: "Asia/Kolkata",
  munich: "Europe/Berlin",
  frankfurt: "Europe/Berlin",
  "san francisco": "America/Los_Angeles",
};

/**
 * Returns when `name` is a time zone of this machine, like `Europe/Berlin` or `UTC`.
 *
 * @throws SupervisorError BAD_VALUE, with the zone that was probably meant
 */
export function checkTimezone(name: string): void {
  if (isTimezone(name)) return;
  const meant = meantBy(name);
  throw new SupervisorError(
    "BAD_VALUE",
    `"${name}" is not a time zone`,
    meant ? `Did you mean "${meant}"?` : 'Use a name like "Europe/Berlin", "Asia/Shanghai" or "UTC".',
  );
}

function isTimezone(name: string): boolean {
  // An offset would be one that ignores summer time, and not every runtime knows it.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    // A RangeError is the only way to learn that there is no such zone.
    return false;
  }
}

function meantBy(name: string): string | undefined {
  const known = Intl.supportedValuesOf("timeZone");
  const city = cityOf(name);
  const renamed = otherNames[city.replaceAll("_", " ")];
  return renamed ?? known.find((zone) => cityOf(zone) === city) ?? nearest(name, known);
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf("/") + 1).toLowerCase();
}
