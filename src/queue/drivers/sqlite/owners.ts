import { hostname } from "node:os";
import { birthOf, isAlive } from "../../../core/process-birth.ts";
import type { ServerInfo } from "../../../core/task.ts";
import { ownerParts } from "../task-view.ts";
import type { Ask } from "./ask.ts";
import { recoverLeases } from "./claim.ts";
import { lanes } from "./schema.ts";
import type { Transaction } from "./steps.ts";

/** What one subscription says of itself. */
export interface Consumes {
  readonly id: number;
  readonly startedAt: number;
  readonly concurrency: number;
  readonly queues: Readonly<Record<string, number>>;
}

/** Signs an owner in, with when its process was born: a process that later gets its number is another. */
export function addOwner(ask: Ask, name: string): number {
  const birth = birthOf(ownerParts(name).pid) ?? "";
  ask.run("INSERT INTO owners (name, birth) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, birth);
  return Number(ask.one("SELECT id FROM owners WHERE name = ?", name)?.id);
}

export function removeOwner(ask: Ask, owner: number): void {
  ask.run("DELETE FROM owners WHERE id = ?", owner);
}

export function setConsumes(ask: Ask, owner: number, consumes: readonly Consumes[]): void {
  ask.run("UPDATE owners SET consumes = ? WHERE id = ?", JSON.stringify(consumes), owner);
}

/** What processes of this machine held that have died goes back to its place at once, not when its lease runs out. */
export function recoverDead(tx: Transaction, ask: Ask): void {
  recoverThose(tx, ask, isDead);
}

/** The same for owners that are known to be gone, although their process lives. */
export function recoverGone(tx: Transaction, ask: Ask, gone: readonly string[]): void {
  recoverThose(tx, ask, (owner) => gone.some((name) => owner.startsWith(name)));
}

function recoverThose(tx: Transaction, ask: Ask, isGone: (owner: string, birth: string) => boolean): void {
  const dead = ask
    .all("SELECT id, name, birth FROM owners")
    .filter((row) => isGone(String(row.name), String(row.birth)));
  if (dead.length === 0) return;
  const queues = ask.all("SELECT id FROM queues");
  for (const { id } of dead) {
    for (const queue of queues) {
      // As if its leases had run out just now.
      ask.run(
        "UPDATE tasks SET run_at = -1 WHERE queue = ? AND lane = ? AND owner = ?",
        Number(queue.id),
        lanes.active,
        Number(id),
      );
      recoverLeases(tx, Number(queue.id), -1);
    }
    removeOwner(ask, Number(id));
  }
}

export function listServers(ask: Ask): ServerInfo[] {
  const active = new Map<number, number>();
  for (const queue of ask.all("SELECT id FROM queues")) {
    const text = "SELECT owner, count(*) AS n FROM tasks WHERE queue = ? AND lane = ? GROUP BY owner";
    for (const { owner, n } of ask.all(text, Number(queue.id), lanes.active)) {
      active.set(Number(owner), (active.get(Number(owner)) ?? 0) + Number(n));
    }
  }
  return ask.all("SELECT id, name, birth, consumes FROM owners").flatMap((row) => {
    if (isDead(String(row.name), String(row.birth))) return [];
    const consumes = JSON.parse(String(row.consumes)) as readonly Consumes[];
    return consumes.map(({ id, startedAt, concurrency, queues }) => ({
      id: `${row.name}:${id}`,
      ...ownerParts(String(row.name)),
      startedAt,
      status: "active",
      concurrency,
      queues,
      active: active.get(Number(row.id)) ?? 0,
    }));
  });
}

function isDead(owner: string, birth: string): boolean {
  const { host, pid } = ownerParts(owner);
  if (host !== hostname()) return false;
  // Without births (no /proc) the number is all that is known.
  const now = birthOf(pid);
  return now === undefined ? !isAlive(pid) || birth !== "" : birth !== now;
}
