import { resolve } from "node:path";
import type { Address } from "../core/plan.ts";

/** A host name, an IPv4 or IPv6 address, the latter without brackets. */
export const hostPattern: RegExp =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)$/;

/** `systemd:NAME`; the name as systemd allows it for a descriptor, without what would have to be quoted somewhere. */
export const passedPattern: RegExp = /^systemd:[A-Za-z0-9][A-Za-z0-9_.@-]{0,200}$/;

/**
 * Reads `127.0.0.1:6060`, `[::1]:6060`, `systemd:NAME` or `unix:PATH`, whose path is relative to `folder`.
 * Undefined when it is none of them.
 */
export function parseAddress(text: string, folder: string): Address | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" ? undefined : { tag: "unix", path: resolve(folder, path) };
  }
  if (text.startsWith("systemd:")) {
    return passedPattern.test(text) ? { tag: "systemd", name: text.slice("systemd:".length) } : undefined;
  }
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const name = bracketed ?? bare;
  if (name === undefined || !hostPattern.test(name) || Number(port) > 65_535) return undefined;
  return { tag: "tcp", host: name, port: Number(port) };
}

/** Sockets have a fixed-size field for their path: 108 bytes on Linux, 104 on macOS, with a closing zero. */
export const longestSocketPath = 103;
