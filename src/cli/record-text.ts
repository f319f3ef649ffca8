/** The local time of day of a record, whose time is milliseconds since 1970 or ISO text. */
export function clockTime(time: unknown): string {
  const date = new Date(typeof time === "number" ? time : String(time));
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

/** @example pairs({ url: "http://x", n: 1 }) // ["url=http://x", "n=1"] */
export function pairs(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).map(([name, value]) => {
    const plain = typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
    return `${name}=${plain}`;
  });
}

/** Said in place of lines that were too many for this reader, or for the memory of the supervisor. */
export function dropped({ count }: Readonly<Record<string, unknown>>): string {
  return `… ${count} older ${count === 1 ? "line was" : "lines were"} dropped`;
}
