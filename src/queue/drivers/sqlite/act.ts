import type { TaskAction, TaskFilter, TaskState } from "../../../core/task.ts";
import { taskStates } from "../../../core/task.ts";
import type { Found } from "./scan.ts";
import { find, scan } from "./scan.ts";
import { lanes } from "./schema.ts";
import { archiveAge, freeHeld } from "./settle.ts";
import type { Transaction } from "./steps.ts";
import type { Store } from "./store.ts";

/** Does it slice by slice: between two of them others have their turn. */
export async function actOn(
  store: Store,
  name: string,
  action: TaskAction,
  filter: TaskFilter,
  now: number,
): Promise<number> {
  const queue = await store.commit.read(() => store.sql.findQueue.get(name)?.id);
  if (queue === undefined) return 0;
  const asked = { queue: Number(queue), filter, states: states[action], now };
  let done = 0;
  const apply = async (found: readonly Found[]) => {
    if (found.length === 0) return;
    done += await store.commit.write(
      (tx) => found.filter((one) => act(tx, store, asked.queue, action, one)).length,
    );
  };
  if (filter.ids) await apply(await find(store, asked));
  else for await (const found of scan(store, asked)) await apply(found);
  if (action === "cancel") store.tellCancels();
  return done;
}

const states: Readonly<Record<TaskAction, readonly TaskState[]>> = {
  run: ["scheduled", "retry", "aggregating"],
  retry: ["scheduled", "retry", "aggregating", "archived", "completed"],
  archive: ["pending", "scheduled", "retry", "aggregating"],
  delete: taskStates.filter((state) => state !== "active"),
  cancel: ["active"],
};

/** Whether the task was still where it was found. */
function act(
  tx: Transaction,
  store: Store,
  queue: number,
  action: TaskAction,
  { seq, id, lane }: Found,
): boolean {
  const { ask } = store;
  const here = "WHERE seq = ? AND id = ? AND lane = ?";
  const before = ask.one(`SELECT lock, blocks FROM tasks ${here}`, seq, id, lane);
  if (!before) return false;
  switch (action) {
    case "cancel":
      ask.run("INSERT INTO cancels (task, at) VALUES (?, ?)", id, tx.now);
      return true;
    case "run":
      ask.run(`UPDATE tasks SET ${pending} ${here}`, tx.now, seq, id, lane);
      tx.touch(queue);
      return true;
    case "retry":
      ask.run(
        `UPDATE tasks SET ${pending}, retried = 0, crashes = 0, expires = NULL, result = NULL ${here}`,
        tx.now,
        seq,
        id,
        lane,
      );
      tx.touch(queue);
      return true;
    case "archive":
      ask.run(
        `UPDATE tasks SET lane = ${lanes.archived}, run_at = ?, expires = ?, blocks = NULL, held_for = NULL,
         grp_set = NULL ${here}`,
        tx.now,
        tx.now + archiveAge,
        seq,
        id,
        lane,
      );
      tx.archived(queue);
      break;
    case "delete":
      ask.run(`DELETE FROM tasks ${here}`, seq, id, lane);
      if (before.lock !== null) tx.sql.unlock.run(queue, String(before.lock), id);
  }
  if (before.blocks !== null) freeHeld(tx, queue, String(before.blocks));
  return true;
}

const pending = `lane = ${lanes.waiting}, run_at = ?, grp_set = NULL`;
