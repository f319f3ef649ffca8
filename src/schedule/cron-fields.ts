/** What a field of a cron expression may hold. */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** Forms that only this field knows. */
  readonly special?: RegExp;
  readonly forms?: string;
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const fields: readonly Field[] = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  {
    name: "day of the month",
    min: 1,
    max: 31,
    special: /^(L|LW|([1-9]|[12]\d|3[01])W)$/,
    forms: ', "L" for the last day, "15W" for the weekday nearest to the 15th',
  },
  { name: "month", min: 1, max: 12, names: months, forms: ", JAN to DEC" },
  {
    name: "day of the week",
    min: 0,
    max: 7,
    names: days,
    special: /^\+?([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(#([1-5]|L)|L)$/,
    forms: ', SUN to SAT, "FRI#2" for the second Friday, "FRI#L" for the last one',
  },
];

/**
 * What is wrong with the fields of a cron expression, five or six of them, as one sentence that names the field;
 * undefined when each is well-formed. Days that no month has are not its business.
 *
 * @example wrongField(["60", "*", "*", "*", "*"]) // 'minute: 60 is not in 0-59'
 */
export function wrongField(parts: readonly string[]): string | undefined {
  const meant = parts.length === 6 ? fields : fields.slice(1);
  for (const [index, field] of meant.entries()) {
    for (const item of (parts[index] as string).toUpperCase().split(",")) {
      const wrong = wrongItem(item, field);
      if (wrong) return `${field.name}: ${wrong}`;
    }
  }
  return undefined;
}

/** What may be written in the field that `wrongField` has named. */
export function expectedIn(sentence: string): string {
  const field = fields.find(({ name }) => sentence.startsWith(`${name}:`)) as Field;
  const { name, min, max, forms = "" } = field;
  return `In the ${name} there may be *, ${min} to ${max}, a range like ${min}-${min + 3}, a step like */${min + 2}, a list of these with commas${forms}.`;
}

function wrongItem(item: string, field: Field): string | undefined {
  if (item === "") return "there is nothing beside a comma";
  if (field.special?.test(item)) return undefined;
  const [range = "", step, ...more] = item.split("/");
  if (more.length > 0) return `"${item}" has more than one step`;
  if (step !== undefined) {
    const wrong = wrongStep(range, step, field);
    if (wrong) return wrong;
  }
  // A plus before a day of the week: it has to hold together with the day of the month.
  const plain = field.name === "day of the week" ? range.replace(/^\+/, "") : range;
  if (plain === "*" || plain === "?") return undefined;
  return wrongRange(plain, field);
}

function wrongStep(range: string, step: string, field: Field): string | undefined {
  if (!/^\d+$/.test(step) || Number(step) === 0) return `the step "/${step}" is not a whole number from 1`;
  if (Number(step) > field.max) return `the step "/${step}" is larger than ${field.max}`;
  if (/^\d+$/.test(range)) return `"${range}/${step}" has no end: write "${range}-${field.max}/${step}"`;
  return undefined;
}

function wrongRange(range: string, field: Field): string | undefined {
  const ends = range.split("-");
  if (ends.length > 2) return `"${range}" is not a range`;
  const values: number[] = [];
  for (const end of ends) {
    const value = numberOf(end, field);
    if (value === undefined) return `"${range}" is not a number${field.names ? " or a name" : ""}`;
    if (value < field.min || value > field.max) return `${end} is not in ${field.min}-${field.max}`;
    values.push(value);
  }
  const [first = 0, last = first] = values;
  return first > last ? `the range ${range} runs backwards` : undefined;
}

function numberOf(text: string, field: Field): number | undefined {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const named = field.names?.indexOf(text) ?? -1;
  return named < 0 ? undefined : named + field.min;
}
