/*
 * asynq's keys (internal/base/base.go). All that belongs to one queue has the queue's name as its hash tag, so that in
 * a Cluster it lives in one slot. Keys of ours begin with `sv:` behind the queue's prefix; asynq never looks at them:
 *
 *   sv:due           zset of task ids by the exact time, in milliseconds, for those due within a minute: asynq's own
 *                    scores are whole seconds, and its tools refuse others
 *   sv:blocked       hash: key → id of the first task that the later ones of that key wait for
 *   sv:blockers:KEY  zset of the ids of all such tasks
 *   sv:held:KEY      zset of the ids that wait for it, by when they became pending; for asynq they are scheduled, in
 *                    the year 9999
 *   sv:returned      how many tasks at the front of the pending list have been claimed before, at most: lua/prelude.ts
 *   sv:last          hash: group → when its last task came, in milliseconds
 *   sv:owners        hash: id of an active task → `HOST:PID:UNIQUE|BIRTH|CLAIM`: who has it, and the fencing token;
 *                    and one field without a name: lua/claim.ts
 *   sv:call:CALL     what became of one call that enqueued or settled, for two minutes: a lost reply is no conflict
 *
 * Fields of ours in the hash of a task: `crashes` (with a minus: and it has begun), `at` (enqueued at), `key`, `blocks`, `held`, `exact` (timeout,
 * deadline, retention where they are no whole seconds), `progress` (the claim, a line break, the text).
 */

export const keys = {
  queues: "asynq:queues",
  servers: "asynq:servers",
  workers: "asynq:workers",
  schedulers: "asynq:schedulers",
  cancel: "asynq:cancel",
  queue: (queue: string) => `asynq:{${queue}}:`,
  task: (queue: string, id: string) => `asynq:{${queue}}:t:${id}`,
  pending: (queue: string) => `asynq:{${queue}}:pending`,
  server: (id: string) => `asynq:servers:{${id}}`,
  worker: (id: string) => `asynq:workers:{${id}}`,
  scheduler: (id: string) => `asynq:schedulers:{${id}}`,
  schedulerHistory: (entry: string) => `asynq:scheduler_history:${entry}`,
  schedule: (entry: string) => `asynq:sv:schedule:{${entry}}:`,
} as const;

/** The score of a held task among the scheduled ones: the last second of the year 9999. */
export const heldScore = 253_402_300_799;
