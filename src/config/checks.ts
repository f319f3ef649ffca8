import { isIP } from "node:net";
import { dirname } from "node:path";
import { formatDuration } from "../core/duration.ts";
import { longestSocketPath } from "./address.ts";
import type { Claim } from "./addresses.ts";
import { checkClaims } from "./addresses.ts";
import type { Draft } from "./draft.ts";
import type { FileChecks } from "./files.ts";
import { createFileChecks } from "./files.ts";
import type { Report } from "./findings.ts";
import { exactSpan } from "./locate.ts";
import type { MapNode, Span } from "./node.ts";
import { addressOf } from "./plan-parts.ts";
import type { HeadSettings } from "./schema.ts";

type Find = (...path: string[]) => Span | undefined;

/** What the parts of one service must fulfil beyond their types, each service on its own. */
export function checkServices(
  drafts: readonly Draft[],
  root: MapNode,
  report: Report,
  elsewhere = false,
): void {
  const files = createFileChecks(dirname(root.source.file), report);
  for (const draft of drafts) {
    const find = finder(draft, root);
    const { module } = draft.written;
    if (module !== undefined) files.module(module, () => find("module"));
    checkRestart(draft, find, report);
    checkWorker(draft, find, report);
    checkHttp(draft, find, elsewhere ? undefined : files, report);
  }
}

/** What the addresses of the services, and admin's, must fulfil among each other. */
export function checkAddresses(
  drafts: readonly Draft[],
  head: HeadSettings,
  root: MapNode,
  report: Report,
): void {
  const claims: Claim[] = adminClaim(head, root);
  for (const draft of drafts) claims.push(...httpClaim(draft, finder(draft, root)));
  checkClaims(claims, report);
}

/** Deadlines of the whole that contradict each other; true when they do not. */
export function checkShutdown({ shutdown }: HeadSettings, root: MapNode, report: Report): boolean {
  const find = (key: string) => exactSpan(root, ["shutdown", key]);
  const { timeout, delay, streams_timeout: streams } = shutdown;
  if (delay >= timeout) {
    const message = "shutdown.delay leaves nothing of shutdown.timeout";
    report(
      "BAD_VALUE",
      find("delay") ?? find("timeout"),
      message,
      "Make the delay shorter, or the timeout longer.",
    );
  } else if (streams > timeout) {
    const message = "shutdown.streams_timeout is longer than shutdown.timeout";
    report(
      "BAD_VALUE",
      find("streams_timeout") ?? find("timeout"),
      message,
      "Make it shorter than the whole budget.",
    );
  }
  return delay < timeout && streams <= timeout;
}

function finder({ name }: Draft, root: MapNode): Find {
  return (...path) => exactSpan(root, ["services", name, ...path]);
}

function checkRestart({ settings }: Draft, find: Find, report: Report): void {
  const { min, max } = settings.restart.backoff;
  if (min <= max) return;
  const at = find("restart", "backoff", "min") ?? find("restart", "backoff", "max");
  const message = `restart.backoff.min (${formatDuration(min)}) is longer than its max (${formatDuration(max)})`;
  report("BAD_VALUE", at, message, "Lower min, or raise max.");
}

/** Said where it has no effect, a limit would be believed to hold. */
function checkWorker({ name, settings }: Draft, find: Find, report: Report): void {
  const { isolation, memory } = settings;
  if (memory !== undefined && memory < smallestMemory) {
    const message = `memory of service "${name}" is less than any thread needs`;
    report("BAD_VALUE", find("memory"), message, "Give it 32MiB or more.");
  }
  if (isolation === "worker") return;
  for (const key of ["instances", "memory"] as const) {
    if (settings[key] === undefined) continue;
    const message = `"${key}" of service "${name}" needs isolation: worker`;
    const hint = `Add "isolation: worker" to the service, or remove "${key}": a service that runs inline shares one thread and one heap with all others.`;
    report("BAD_VALUE", find(key), message, hint);
  }
}

const smallestMemory = 32 * 1_048_576;

function checkHttp(draft: Draft, find: Find, files: FileChecks | undefined, report: Report): void {
  const { name, settings, written } = draft;
  if (!settings.http || !written.http) return;
  const { port, unix, listen, tls } = written.http;
  const isNowhere = port === undefined && unix === undefined && listen === undefined;
  if (isNowhere && !["port", "unix", "listen"].some((key) => find("http", key))) {
    const message = `Service "${name}" has http, but neither "port" nor "unix"`;
    report("MISSING_KEY", find("http"), message, 'Add "port: 8080", or "port: 0" for any free one.');
  }
  if (tls?.cert !== undefined) files?.readable(tls.cert, "cert", () => find("http", "tls", "cert"));
  if (tls?.key !== undefined) files?.readable(tls.key, "key", () => find("http", "tls", "key"));
  checkPassedHost(draft, find, report);
  if (unix === undefined) return;
  const other = ["port", "host"].find((key) => find("http", key));
  if (other) {
    report(
      "BAD_VALUE",
      find("http", "unix"),
      `http.unix and http.${other} exclude each other`,
      "Remove one of them.",
    );
  } else if (Buffer.byteLength(unix) > longestSocketPath) {
    const message = `The path of the socket is longer than ${longestSocketPath} bytes: ${unix}`;
    report(
      "BAD_VALUE",
      find("http", "unix"),
      message,
      "Systems allow no more: use a folder nearer to the root.",
    );
  }
}

/** A socket unit with a host name in it is refused by systemd, as a whole. */
function checkPassedHost({ settings, written }: Draft, find: Find, report: Report): void {
  const at = written.http?.host === undefined ? undefined : find("http", "host");
  const address = settings.http && addressOf(settings.http);
  if (at === undefined || address?.tag !== "systemd" || address.at?.tag !== "tcp") return;
  const { host } = address.at;
  if (isIP(host) !== 0) return;
  const message = `${host} is a name, and the sockets of systemd are on an IP address`;
  report("BAD_VALUE", at, message, "Write the address itself: 127.0.0.1, 0.0.0.0 for all, or another one.");
}

function httpClaim({ name, settings }: Draft, find: Find): Claim[] {
  const { http } = settings;
  const address = http && addressOf(http);
  if (!http || !address) return [];
  const { path, hostname, tls } = http;
  return [
    {
      owner: `service "${name}"`,
      address,
      path,
      hostname,
      tls,
      alone: false,
      at: () => find("http", "port") ?? find("http", "unix") ?? find("http", "listen"),
      find: (key) => find("http", key),
    },
  ];
}

function adminClaim({ admin }: HeadSettings, root: MapNode): Claim[] {
  if (admin === false || admin.listen === false) return [];
  return [
    {
      owner: "admin",
      address: admin.listen,
      path: "/",
      hostname: undefined,
      tls: undefined,
      alone: true,
      at: () => exactSpan(root, ["admin", "listen"]),
      find: () => undefined,
    },
  ];
}
