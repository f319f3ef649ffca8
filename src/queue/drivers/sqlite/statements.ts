import type { DatabaseSync, StatementSync } from "node:sqlite";
import { migrations } from "./schema.ts";

/** What `deliveryOf` reads of a task. */
export const taskColumns = `seq, id, type, payload, headers, key, enqueued_at, place, retried, max_retry, crashes, timeout,
  deadline, retention, lock, blocks`;

/** How many rows are removed at once. */
export const slice = 200;

const current = "WHERE seq = ? AND token = ?";

/** What a settlement forgets of the lease. */
const unleased = "token = 0, owner = NULL, progress = NULL";

/** With a minus in front it has begun since it was claimed: another crash, unless it is the first, needs that. */
const crashedAgain = "CASE WHEN crashes > 0 THEN crashes ELSE 1 - crashes END";

/** Every statement that runs often, prepared once. */
const texts = {
  findQueue: "SELECT id FROM queues WHERE name = ?",
  addQueue: "INSERT INTO queues (name) VALUES (?) RETURNING id",
  insert: `INSERT INTO tasks (queue, id, lane, run_at, enqueued_at, max_retry, timeout, deadline, retention, type, key,
    headers, lock, grp, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (queue, id) DO NOTHING`,
  insertBody: "INSERT INTO bodies (seq, payload) VALUES (?, ?)",
  body: "SELECT payload FROM bodies WHERE seq = ?",
  findId: "SELECT 1 FROM tasks WHERE queue = ? AND id = ?",
  lock: `INSERT INTO locks (queue, key, task, until) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (queue, key) DO UPDATE SET task = ?3, until = ?4 WHERE until <= ?5`,
  unlock: "DELETE FROM locks WHERE queue = ? AND key = ? AND task = ?",

  claim: `UPDATE tasks SET lane = 1, place = run_at, run_at = ?, token = ?, owner = ?, crashes = abs(crashes)
    WHERE seq IN (SELECT seq FROM tasks INDEXED BY by_run
      WHERE queue = (SELECT id FROM queues WHERE id = ? AND paused = 0) AND lane = 0 AND run_at <= ?
      ORDER BY run_at, seq LIMIT ?) RETURNING ${taskColumns}`,
  recover: `UPDATE tasks INDEXED BY by_run SET lane = 0, run_at = place, crashes = ${crashedAgain}, ${unleased}
    WHERE queue = ? AND lane = 1 AND run_at <= ?`,
  nextOf: `SELECT run_at AS at FROM tasks INDEXED BY by_run WHERE queue = ? AND lane = ? ORDER BY run_at LIMIT 1`,
  isPaused: "SELECT paused FROM queues WHERE id = ?",

  remove: `DELETE FROM tasks ${current}`,
  complete: `UPDATE tasks SET lane = 5, run_at = ?, expires = ?, result = ?, blocks = NULL, ${unleased} ${current}`,
  retry: `UPDATE tasks SET lane = 0, run_at = ?, failed_at = ?, last_error = ?, retried = retried + ?,
    blocks = coalesce(?, blocks), ${unleased} ${current}`,
  archive: `UPDATE tasks SET lane = 4, run_at = ?, failed_at = ?, expires = ?, last_error = ?, blocks = NULL,
    ${unleased} ${current}`,
  release: `UPDATE tasks SET lane = 0, run_at = place, ${unleased} ${current}`,
  hold: `UPDATE tasks SET lane = 2, run_at = place, held_for = ?, ${unleased} ${current}`,
  extend: `UPDATE tasks SET run_at = ? ${current}`,
  begin: `UPDATE tasks SET crashes = -abs(crashes) ${current}`,
  progress: `UPDATE tasks SET progress = ? ${current}`,
  block: `UPDATE tasks SET blocks = ? ${current}`,
  stopBlocking: `UPDATE tasks SET blocks = NULL ${current}`,
  isBlocked: "SELECT 1 FROM tasks INDEXED BY blocking WHERE queue = ? AND blocks = ? LIMIT 1",
  blocking: `SELECT id, blocks FROM tasks INDEXED BY blocking WHERE queue = ? AND blocks IS NOT NULL
    ORDER BY blocks DESC, seq DESC`,
  unhold:
    "UPDATE tasks INDEXED BY held SET lane = 0, held_for = NULL WHERE queue = ? AND lane = 2 AND held_for = ?",

  addTotals: "UPDATE queues SET processed = processed + ?, failed = failed + ? WHERE id = ?",
  addDay: `INSERT INTO days (queue, day, processed, failed) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (queue, day) DO UPDATE SET processed = processed + ?3, failed = failed + ?4`,

  expire: `DELETE FROM tasks WHERE seq IN
    (SELECT seq FROM tasks INDEXED BY expiring WHERE expires IS NOT NULL AND expires <= ? LIMIT ${slice})`,
  trimArchive: `DELETE FROM tasks WHERE seq IN (SELECT seq FROM tasks INDEXED BY by_run WHERE queue = ? AND lane = 4
    ORDER BY run_at DESC, seq DESC LIMIT ${slice} OFFSET 10000)`,
  expireLocks: `DELETE FROM locks WHERE (queue, key) IN
    (SELECT queue, key FROM locks INDEXED BY lock_ends WHERE until <= ? LIMIT ${slice})`,
  expireCancels: "DELETE FROM cancels WHERE at <= ?",
  probe: `PRAGMA user_version = ${migrations.length}`,
  dataVersion: "PRAGMA data_version",
  newCancels: "SELECT n, task FROM cancels WHERE n > ? ORDER BY n",
} as const;

export type Statements = { readonly [Name in keyof typeof texts]: StatementSync };

export function prepareAll(db: DatabaseSync): Statements {
  const entries = Object.entries(texts).map(([name, text]) => [name, db.prepare(text)]);
  return Object.fromEntries(entries) as Statements;
}
