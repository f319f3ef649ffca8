import { basename } from "node:path";
import type { Address } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { Report } from "./findings.ts";
import type { Span } from "./node.ts";
import { positionOf } from "./node.ts";

/** What somebody wants to answer for. */
export interface Claim {
  /** As in messages: `service "api"`, `admin`. */
  readonly owner: string;
  readonly address: Address;
  readonly path: string;
  readonly hostname: string | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Shares its listener with nobody. */
  readonly alone: boolean;
  /** Where the address is written, undefined when it is a default; absent where there is no file. */
  readonly at?: () => Span | undefined;
  /** Where a part of the claim is written. */
  readonly find: (key: "host" | "path" | "hostname" | "tls") => Span | undefined;
}

/**
 * Reports claims that cannot be met together. Several services may share a port when they agree on how to
 * listen, and differ in hostname or path; port 0 is a port of its own each time.
 */
export function checkClaims(claims: readonly Claim[], report: Report): void {
  const listeners = new Map<string, Claim>();
  const routes = new Map<string, Claim>();
  const places = new Map<string, Claim>();
  for (const claim of claims) {
    const socket = socketOf(claim.address);
    if (socket === undefined || !hasOwnPlace(places, socket, claim, report)) continue;
    const before = listeners.get(socket);
    if (!before) listeners.set(socket, claim);
    else if (!agree(before, claim, report)) continue;
    const route = `${socket} ${claim.hostname?.toLowerCase() ?? "*"} ${claim.path.replace(/\/+$/, "")}`;
    const first = routes.get(route);
    if (first) reportSameRoute(first, claim, report);
    else routes.set(route, claim);
  }
}

function socketOf(address: Address): string | undefined {
  if (address.tag !== "tcp") return formatAddress(address);
  return address.port === 0 ? undefined : String(address.port);
}

/** A socket of systemd is known by its name, so that two of them could be meant to be at one place: nothing opens both. */
function hasOwnPlace(places: Map<string, Claim>, socket: string, claim: Claim, report: Report): boolean {
  const { address } = claim;
  const at = address.tag === "systemd" ? address.at : address;
  if (!at || (at.tag === "tcp" && at.port === 0)) return true;
  const place = formatAddress(at).toLowerCase();
  const first = places.get(place);
  if (!first) places.set(place, claim);
  if (!first || socketOf(first.address) === socket) return true;
  report(
    "DUPLICATE_ADDRESS",
    claim.at?.() ?? first.at?.(),
    `${sentence(claim.owner)} wants ${formatAddress(at)} as ${nameOf(address)}, but ${first.owner}${lineOf(first, claim)} has it as ${nameOf(first.address)}`,
    "Services on one port share one listener: give them the same listen, or another port.",
  );
  return false;
}

/** How the listener is come by. */
function nameOf(address: Address): string {
  return address.tag === "systemd" ? formatAddress(address) : "its own socket";
}

function agree(first: Claim, claim: Claim, report: Report): boolean {
  const where = lineOf(first, claim);
  if (first.alone || claim.alone) {
    report(
      "DUPLICATE_ADDRESS",
      claim.at?.() ?? first.at?.(),
      `${sentence(claim.owner)} and ${first.owner}${where} want ${what(claim.address)} for themselves`,
      "Give one of them another port.",
    );
    return false;
  }
  if (hostOf(first.address) !== hostOf(claim.address)) {
    report(
      "DUPLICATE_ADDRESS",
      claim.find("host") ?? claim.at?.(),
      `${sentence(claim.owner)} wants ${formatAddress(claim.address)}, but ${first.owner}${where} has ${formatAddress(first.address)}`,
      "Services on one port share one listener: give them the same host, or another port.",
    );
    return false;
  }
  if (first.tls?.cert === claim.tls?.cert && first.tls?.key === claim.tls?.key) return true;
  report(
    "DUPLICATE_ADDRESS",
    claim.find("tls") ?? claim.at?.(),
    `${sentence(claim.owner)} and ${first.owner}${where} share ${what(claim.address)}, but not their tls`,
    "Services on one port share one listener: give them the same tls, or another port.",
  );
  return false;
}

function reportSameRoute(first: Claim, claim: Claim, report: Report): void {
  const host = claim.hostname ? ` of host ${claim.hostname}` : "";
  report(
    "DUPLICATE_ADDRESS",
    claim.find("path") ?? claim.find("hostname") ?? claim.at?.(),
    `${sentence(claim.owner)} claims path ${claim.path}${host} on ${what(claim.address)}, as ${first.owner}${lineOf(first, claim)} does`,
    "Give one of them another port, path or hostname.",
  );
}

/** Where the first of two claims is written, for a message about the second. */
function lineOf(claim: Claim, second: Claim): string {
  if (!claim.at) return "";
  const at = claim.at();
  if (!at) return " (by default)";
  const { file, line } = positionOf(at);
  const elsewhere = file !== second.at?.()?.source.file ? `${basename(file)} ` : "";
  return ` (${elsewhere}line ${line})`;
}

function hostOf(address: Address): string {
  if (address.tag === "systemd") return address.at ? formatAddress(address.at) : "";
  return address.tag === "tcp" ? address.host.toLowerCase() : "";
}

function what(address: Address): string {
  if (address.tag === "tcp") return `port ${address.port}`;
  return `the socket ${address.tag === "unix" ? address.path : formatAddress(address)}`;
}

function sentence(owner: string): string {
  return owner.charAt(0).toUpperCase() + owner.slice(1);
}
