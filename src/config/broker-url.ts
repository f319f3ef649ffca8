import { resolve } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { BrokerPlan } from "../core/plan.ts";

export type BrokerUrl =
  | { readonly ok: true; readonly scheme: BrokerPlan["scheme"]; readonly url: string }
  /** A sentence about what is wrong, without the URL, and what to do. */
  | { readonly ok: false; readonly wrong: string; readonly hint: string };

/** Reads the URL of a broker; the path of a file is made absolute, relative to `folder`. */
export function readBrokerUrl(text: string, folder: string): BrokerUrl {
  const [, prefix, rest = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text) ?? [];
  if (prefix === undefined) return { ok: false, wrong: "is not a URL", hint: examples };
  const scheme = prefix.toLowerCase();
  if (scheme === "memory") return readMemory(rest);
  if (scheme === "sqlite") return readSqlite(rest, folder);
  if (redis.has(scheme)) return readRedis(text);
  return unknownScheme(scheme);
}

const redis: ReadonlySet<string> = new Set([
  "redis",
  "rediss",
  "redis+sentinel",
  "rediss+sentinel",
  "redis+cluster",
  "rediss+cluster",
]);
const later: ReadonlySet<string> = new Set(["amqp", "amqps", "kafka", "nats", "beanstalkd"]);
const examples = "For example: sqlite:./data/queue.db, redis://127.0.0.1:6379/0 or memory:";

function readMemory(rest: string): BrokerUrl {
  if (rest === "") return { ok: true, scheme: "memory", url: "memory:" };
  return { ok: false, wrong: "has something behind memory:", hint: 'Write "memory:" and nothing else.' };
}

function readSqlite(rest: string, folder: string): BrokerUrl {
  const [, written = "", query = ""] = /^([^?]*)(\?.*)?$/s.exec(rest) ?? [];
  if (written === "" || written.startsWith(":") || written.includes("\0")) {
    const hint = "For example: sqlite:./data/queue.db; the path is relative to the folder of this file.";
    return { ok: false, wrong: "has no path of a file behind sqlite:", hint };
  }
  if (/^\/\/(?!\/)/.test(written)) {
    const hint = `Write sqlite:${written.slice(2)}, or sqlite:/${written.slice(2)} for a path from the root.`;
    return { ok: false, wrong: "names a host, but a file has none", hint };
  }
  const path = resolve(folder, written.replace(/^\/\/\//, "/"));
  return { ok: true, scheme: "sqlite", url: `sqlite:${path}${query}` };
}

function readRedis(text: string): BrokerUrl {
  // Sentinels and the nodes of a cluster are several hosts, which URL does not read.
  const single = text.replace(/^([^/]*\/\/(?:[^/@]*@)?[^/,?]*)(?:,[^/?]*)?/, "$1");
  const url = URL.canParse(single) ? new URL(single) : undefined;
  if (!url || url.hostname === "") {
    return { ok: false, wrong: "has no host", hint: "For example: redis://127.0.0.1:6379/0" };
  }
  const database = url.pathname.replace(/^\//, "");
  if (!url.protocol.includes("sentinel") && !/^\d{0,5}$/.test(database)) {
    const hint = "The number of a database follows the port: redis://127.0.0.1:6379/0";
    return { ok: false, wrong: `has a database that is no number: ${database}`, hint };
  }
  return { ok: true, scheme: "redis", url: text };
}

function unknownScheme(scheme: string): BrokerUrl {
  if (later.has(scheme)) {
    const hint = "This version has sqlite:, redis: and memory:";
    return { ok: false, wrong: `has a scheme that is not there yet: ${scheme}:`, hint };
  }
  const near = nearest(scheme, ["memory", "sqlite", ...redis]);
  const hint = near ? `Did you mean "${near}:"? ${examples}` : examples;
  return { ok: false, wrong: `has an unknown scheme: ${scheme}:`, hint };
}
