import process from "node:process";
import type { Address } from "../core/plan.ts";
import { formatAddress, isLocal, isLoopback } from "../core/plan.ts";
import { ApiError } from "./api-error.ts";

/** Where a request came in, and what is allowed there. */
export type Entrance =
  /** The control socket: whoever can open it is its owner. */
  | { readonly tag: "socket" }
  | {
      readonly tag: "admin";
      /** What is really bound. */
      readonly address: Address;
      readonly token?: string;
      readonly readOnly: boolean;
    };

/**
 * Lets a request to the API pass, or throws.
 *
 * @throws ApiError WRONG_HOST, WRONG_ORIGIN, TOKEN_NEEDED, WRONG_TOKEN, READ_ONLY or BAD_REQUEST
 */
export function guard(
  request: Request,
  entrance: Entrance,
  access: { readonly writes: boolean; readonly open: boolean },
): void {
  const { headers } = request;
  if (entrance.tag === "admin") {
    const { address, token, readOnly } = entrance;
    if (address.tag === "tcp") checkHost(headers.get("host") ?? "", address);
    checkOrigin(headers.get("origin"), headers.get("host") ?? "");
    if (!access.open) checkToken(headers.get("authorization"), token, address);
    if (access.writes && readOnly) {
      throw new ApiError(
        403,
        "READ_ONLY",
        "This listener changes nothing: admin.read_only is set",
        "Use the control socket: the supervisor's own commands do.",
      );
    }
  }
  if (access.writes && !hasJsonType(headers)) {
    throw new ApiError(415, "BAD_REQUEST", "A body must be JSON", "Send content-type: application/json.");
  }
}

/**
 * A page of another site can make its own name point to this machine (DNS rebinding), and then counts as the same
 * origin for its browser. The name is still its own.
 */
function checkHost(host: string, address: Address & { tag: "tcp" }): void {
  const { name, port } = splitHost(host);
  const local = isLoopback(address.host);
  const known = local
    ? isLoopback(name) || name === address.host.toLowerCase()
    : isIpLiteral(name) || name === address.host.toLowerCase();
  if (known && port === address.port) return;
  throw new ApiError(
    403,
    "WRONG_HOST",
    `This listener does not answer for the host ${JSON.stringify(host)}`,
    `Ask for ${formatAddress(address)}.`,
  );
}

/** Browsers say where a page comes from; nothing but a page of this very listener may use the API. */
function checkOrigin(origin: string | null, host: string): void {
  if (origin === null || origin === `http://${host}`) return;
  throw new ApiError(
    403,
    "WRONG_ORIGIN",
    `Pages of ${origin} may not use this API`,
    "Call it from a program, or from a page of the same origin.",
  );
}

function checkToken(authorization: string | null, token: string | undefined, address: Address): void {
  if (token === undefined) {
    if (isLocal(address)) return;
    throw new ApiError(
      403,
      "TOKEN_NEEDED",
      `${formatAddress(address)} can be reached from other machines, and admin.token is not set`,
      "Set admin.token in services.yaml, or listen on 127.0.0.1.",
    );
  }
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (given !== undefined && isSame(given, token)) return;
  const message = given === undefined ? "The token is missing" : "The token is wrong";
  const challenge = { "www-authenticate": 'Bearer realm="supervisor"' };
  throw new ApiError(
    401,
    "WRONG_TOKEN",
    message,
    'Send the header "authorization" with the value of admin.token behind the word "Bearer".',
    challenge,
  );
}

/** Over hashes: neither the length of the token nor how much of it is right shows in the time it takes. */
function isSame(given: string, token: string): boolean {
  const { createHash, timingSafeEqual } = process.getBuiltinModule("node:crypto");
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}

/** Forms of a page can send no such type without asking first. A request without a body needs none. */
function hasJsonType(headers: Headers): boolean {
  const type = headers.get("content-type");
  if (type === null)
    return !headers.has("transfer-encoding") && Number(headers.get("content-length") ?? 0) === 0;
  return /^application\/json\s*(;|$)/i.test(type);
}

function splitHost(host: string): { name: string; port: number } {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(host) ?? [];
  return { name: (bracketed ?? bare ?? "").toLowerCase(), port: port === undefined ? 80 : Number(port) };
}

function isIpLiteral(name: string): boolean {
  return name === "localhost" || name.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
