import type { CommitResult, GroupLimits, GroupSet, NewTask, QueueWeight } from "../../driver.ts";
import { showable } from "../task-view.ts";
import type { Ask, Row } from "./ask.ts";
import { deliveryOf } from "./claim.ts";
import { insertTask } from "./enqueue.ts";
import { taskColumns } from "./statements.ts";
import type { Transaction } from "./steps.ts";

/** How long a set is out of circulation when nobody settles it, in milliseconds. */
const setLife = 120_000;

/** Groups that are due; their tasks belong to the set until it is settled or its time is over. */
export function takeDueGroups(
  tx: Transaction,
  ask: Ask,
  queues: readonly QueueWeight[],
  limits: GroupLimits,
): GroupSet[] {
  dropStaleSets(tx, ask);
  return queues.flatMap(({ queue }) => {
    const number = tx.queue(queue);
    if (tx.sql.isPaused.get(number)?.paused !== 0) return [];
    const groups = ask.all(
      `SELECT grp, count(*) AS size, min(enqueued_at) AS oldest, max(enqueued_at) AS newest
       FROM tasks WHERE queue = ? AND lane = 3 AND grp_set IS NULL GROUP BY grp`,
      number,
    );
    return groups
      .filter((group) => isDue(group, limits, tx.now))
      .map(({ grp }) => takeGroup(tx, ask, queue, String(grp), limits.maxSize));
  });
}

export function commitSet(tx: Transaction, ask: Ask, set: GroupSet, task: NewTask): CommitResult {
  dropStaleSets(tx, ask);
  if (ask.all("SELECT 1 FROM sets WHERE id = ?", set.id).length === 0) return "lost";
  const refused = refusal(tx, ask, set, task);
  if (refused) return refused;
  ask.run("DELETE FROM sets WHERE id = ?", set.id);
  const queue = tx.queue(set.queue);
  for (const { id, lock } of ask.all(
    "SELECT id, lock FROM tasks WHERE queue = ? AND lane = 3 AND grp = ? AND grp_set = ? AND lock IS NOT NULL",
    queue,
    set.group,
    set.id,
  )) {
    tx.sql.unlock.run(queue, lock as string, id as string);
  }
  ask.run(
    "DELETE FROM tasks WHERE queue = ? AND lane = 3 AND grp = ? AND grp_set = ?",
    queue,
    set.group,
    set.id,
  );
  insertTask(tx, task);
  return "settled";
}

export function releaseSet(ask: Ask, set: Pick<GroupSet, "id">): void {
  ask.run("DELETE FROM sets WHERE id = ?", set.id);
  ask.run("UPDATE tasks SET grp_set = NULL WHERE lane = 3 AND grp_set = ?", set.id);
}

/** Why `task` could not be enqueued even if the tasks of the set were gone, if so. */
function refusal(
  tx: Transaction,
  ask: Ask,
  set: GroupSet,
  { queue: name, id, unique }: NewTask,
): "conflict" | "duplicate" | undefined {
  const queue = tx.queue(name);
  const same = ask.all(
    "SELECT 1 FROM tasks WHERE queue = ? AND id = ? AND grp_set IS NOT ?",
    queue,
    id,
    set.id,
  );
  if (same.length > 0) return "conflict";
  if (!unique) return undefined;
  const held = ask.all(
    `SELECT 1 FROM locks WHERE queue = ?1 AND key = ?2 AND until > ?3 AND NOT EXISTS
       (SELECT 1 FROM tasks WHERE queue = ?1 AND id = locks.task AND grp_set = ?4)`,
    queue,
    showable(unique.key),
    tx.now,
    set.id,
  );
  return held.length > 0 ? "duplicate" : undefined;
}

function takeGroup(tx: Transaction, ask: Ask, queue: string, group: string, maxSize: number): GroupSet {
  const number = tx.queue(queue);
  const rows = ask.all(
    `SELECT ${taskColumns}, run_at FROM tasks
     WHERE queue = ? AND lane = 3 AND grp = ? AND grp_set IS NULL ORDER BY seq LIMIT ?`,
    number,
    group,
    maxSize > 0 ? maxSize : -1,
  );
  const id = `${number}:${rows[0]?.seq}:${tx.now}`;
  ask.run("INSERT INTO sets (id, queue, until) VALUES (?, ?, ?)", id, number, tx.now + setLife);
  for (const { seq } of rows) ask.run("UPDATE tasks SET grp_set = ? WHERE seq = ?", id, Number(seq));
  const tasks = rows.map((row) => deliveryOf(tx.sql, { ...row, place: row.run_at }, queue, number, 0));
  return { id, queue, group, tasks };
}

function dropStaleSets(tx: Transaction, ask: Ask): void {
  for (const { id } of ask.all("SELECT id FROM sets WHERE until <= ?", tx.now)) {
    releaseSet(ask, { id: String(id) });
  }
}

function isDue(group: Row, { grace, maxDelay, maxSize }: GroupLimits, now: number): boolean {
  if (maxSize > 0 && Number(group.size) >= maxSize) return true;
  if (maxDelay > 0 && Number(group.oldest) <= now - maxDelay) return true;
  return grace > 0 && Number(group.newest) <= now - grace;
}
