import { resolve } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { BrokerPlan } from "../core/plan.ts";
import type { OptionFault } from "./broker-options.ts";
import { optionFault } from "./broker-options.ts";

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
  const fault = optionFault("sqlite", query);
  if (fault) return { ok: false, ...fault };
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
  const scheme = url.protocol.slice(0, -1);
  const fault =
    hostsFault(scheme, single !== text) ?? pathFault(scheme, url) ?? optionFault(scheme, url.search);
  return fault ? { ok: false, ...fault } : { ok: true, scheme: "redis", url: text };
}

function hostsFault(scheme: string, areSeveral: boolean): OptionFault | undefined {
  if (!areSeveral || scheme.includes("+")) return undefined;
  const hint = `Write ${scheme}+sentinel:// or ${scheme}+cluster:// before them, or name one.`;
  return { wrong: "names several hosts", hint };
}

function pathFault(scheme: string, { pathname }: URL): OptionFault | undefined {
  const [master, ...rest] = pathname.slice(1).split("/");
  const isSentinel = scheme.endsWith("+sentinel");
  if (isSentinel && !master) {
    const hint =
      "It follows the sentinels: redis+sentinel://s1,s2,s3/mymaster, and a database may follow it.";
    return { wrong: "does not name the sentinels' master", hint };
  }
  const database = isSentinel ? rest.join("/") : pathname.slice(1);
  if (!/^\d{0,5}$/.test(database)) {
    const hint = isSentinel
      ? "The number of a database follows the master: redis+sentinel://s1,s2,s3/mymaster/0"
      : "The number of a database follows the port: redis://127.0.0.1:6379/0";
    return { wrong: `has a database that is no number: ${database}`, hint };
  }
  if (!scheme.endsWith("+cluster") || Number(database) === 0) return undefined;
  return { wrong: `names the database ${database} of a cluster, which has only one`, hint: "Remove it." };
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
