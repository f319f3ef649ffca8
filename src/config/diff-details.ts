import { formatDuration } from "../core/duration.ts";
import type { Address } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import { looksSecret } from "./secrets.ts";

/** One value that is another one now, in the words of services.yaml. */
export interface Detail {
  /** @example "config.limit", "http.limits.body" */
  readonly path: string;
  /** As it may be printed; undefined when it was absent. */
  readonly before?: string;
  readonly after?: string;
}

/** Every value below `old` and `next`, plain data both, that is not the same, in the order of the keys. */
export function detailsOf(old: object, next: object, secrets: readonly string[]): Detail[] {
  const details: Detail[] = [];
  compare(old, next, [], secrets, details);
  return details;
}

/** @example describeDetail({ path: "config.limit", before: "10", after: "20" }) // "config.limit 10 → 20" */
export function describeDetail({ path, before, after }: Detail): string {
  if (before === undefined) return `${path} ${after} (new)`;
  if (after === undefined) return `${path} ${before} (gone)`;
  return before === after ? `${path} (hidden)` : `${path} ${before} → ${after}`;
}

type Path = readonly string[];

function compare(old: unknown, next: unknown, path: Path, secrets: readonly string[], into: Detail[]): void {
  if (Object.is(old, next)) return;
  if (isMap(old) && isMap(next) && !isAddress(old) && !isAddress(next)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
      compare(old[key], next[key], [...path, key], secrets, into);
    }
    return;
  }
  const before = textOf(old, path);
  const after = textOf(next, path);
  if (before === after) return;
  into.push({
    path: keyOf(path),
    ...(before === undefined ? {} : { before: hide(before, path, secrets) }),
    ...(after === undefined ? {} : { after: hide(after, path, secrets) }),
  });
}

/** What somebody wrote himself, below these, keeps its spelling. */
const free: ReadonlySet<string> = new Set(["config", "env", "depends_on", "brokers"]);

/** The plan's names are those of services.yaml, in camel case. */
function keyOf(path: Path): string {
  const head = snake(path[0] ?? "");
  return [head, ...path.slice(1).map((key) => (free.has(head) ? key : snake(key)))].join(".");
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const durations = /(?:^|\.)(?:\w+_timeout|timeout|delay|within|stable|interval|backoff\.(?:min|max))$/;

function textOf(value: unknown, path: Path): string | undefined {
  if (value === undefined) return undefined;
  if (isAddress(value)) return addressText(value);
  if (typeof value === "number" && !free.has(snake(path[0] ?? "")) && durations.test(keyOf(path))) {
    return formatDuration(value);
  }
  return typeof value === "string" ? value : sorted(value);
}

/** A socket of systemd that shall be elsewhere has the same name. */
function addressText(address: Address): string {
  const place = address.tag === "systemd" && address.at ? ` on ${formatAddress(address.at)}` : "";
  return `${formatAddress(address)}${place}`;
}

/** As JSON, with the keys of every mapping in one order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    isMap(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

const hidden = "***";
const passwordInUrl = /(?<=:\/\/[^\s:/?#@]*:)[^\s@/]+(?=@)|(?<=:\/\/\S*[?&]\w*password=)[^\s&]+/gi;

function hide(text: string, path: Path, secrets: readonly string[]): string {
  if (path.some(looksSecret)) return hidden;
  const masked = secrets.reduce((rest, secret) => rest.replaceAll(secret, hidden), text);
  return masked.replace(passwordInUrl, hidden);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAddress(value: unknown): value is Address {
  if (!isMap(value)) return false;
  return (
    (value.tag === "tcp" && "port" in value) ||
    (value.tag === "unix" && "path" in value) ||
    (value.tag === "systemd" && "name" in value)
  );
}
