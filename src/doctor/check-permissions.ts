import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Position } from "../core/problem.ts";
import { addressesOf } from "./check-ports.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Files that this user cannot read, secrets that everybody can, folders where no socket can be made. */
export function checkPermissions(subject: Subject): Finding[] {
  return [...unreadable(subject), ...readableSecrets(subject), ...socketFolders(subject)];
}

function unreadable({ plan, locate, sources }: Subject): Finding[] {
  const asked = plan.services.flatMap(({ name, module, http }) => [
    { file: module, at: locate(["services", name, "module"]) },
    ...(["cert", "key"] as const).flatMap((key) => {
      const file = http?.tls?.[key];
      return file === undefined ? [] : [{ file, at: locate(["services", name, "http", "tls", key]) }];
    }),
  ]);
  const read = new Set(sources.map(({ file }) => file));
  return asked
    .filter(({ file }) => !read.has(file) && isThere(file) && !may(file, constants.R_OK))
    .map(({ file, at }) => ({
      level: "error",
      code: "UNREADABLE",
      message: `This user may not read ${file}`,
      remedy: `Let the user that runs the supervisor read it: chmod u+r, or chown.`,
      ...placed(at),
    }));
}

/** Private keys, and a services.yaml with a secret written into it. */
function readableSecrets({ plan, locate }: Subject): Finding[] {
  const keys = plan.services.flatMap(({ name, http }) =>
    http?.tls
      ? [{ file: http.tls.key, what: "private key", at: locate(["services", name, "http", "tls", "key"]) }]
      : [],
  );
  const written = secretWrittenIn(plan.file, plan.secrets);
  const secrets = written ? [{ file: plan.file, what: "secret in it", at: written }] : [];
  return [...keys, ...secrets]
    .filter(({ file }) => isOpenToAll(file))
    .map(({ file, what, at }) => ({
      level: "warn",
      code: "SECRET_READABLE",
      message: `Every user of this machine can read ${file}, and the ${what}`,
      remedy:
        what === "private key"
          ? `chmod 640 ${file}, with the group of the user that runs the supervisor.`
          : `Write \${VARIABLE} or \${credential:NAME} in its place, or chmod 640 ${file}.`,
      ...placed(at),
    }));
}

/** The line is not shown: the secret stands in it. */
function secretWrittenIn(file: string, secrets: readonly string[]): Position | undefined {
  const text = isThere(file) && may(file, constants.R_OK) ? readFileSync(file, "utf8") : "";
  // Short values would be found within other words.
  const found = secrets.filter((secret) => secret.length >= 6 && text.includes(secret));
  if (found.length === 0) return undefined;
  const offset = Math.min(...found.map((secret) => text.indexOf(secret)));
  const before = text.slice(0, offset).split("\n");
  return { file, line: before.length, column: (before.at(-1) as string).length + 1, text: "", length: 1 };
}

function socketFolders({ plan, locate }: Subject): Finding[] {
  return addressesOf({ plan, locate }).flatMap(({ address, keys, at }) => {
    if (address.tag !== "unix") return [];
    const folder = dirname(address.path);
    const exists = isThere(folder);
    if (exists && may(folder, constants.W_OK | constants.X_OK)) return [];
    return {
      level: "error",
      code: "SOCKET_FOLDER",
      message: exists
        ? `This user may not make a socket in ${folder}`
        : `There is no folder ${folder} for a socket`,
      remedy: exists
        ? `Change its owner or its mode, or change ${keys}.`
        : `Create it: mkdir -p ${folder}; or change ${keys}.`,
      ...placed(at),
    } satisfies Finding;
  });
}

function isOpenToAll(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & constants.S_IROTH) !== 0;
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function may(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    // That is the answer.
    return false;
  }
}

function placed(position: Position | undefined): { position?: Position } {
  return position ? { position } : {};
}
