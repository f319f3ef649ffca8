/*
 * Where a task is says `lane`, and within a lane `run_at` orders: 0 waits (for `run_at`, be it a delay, a backoff or
 * its turn), 1 is active (`run_at` is the end of its lease, `place` its old one), 2 is held, 3 waits in a group, 4 is
 * archived and 5 completed (`run_at` is when). One index serves claims, leases and lists; the partial ones are empty
 * as long as nobody uses what they are for.
 */
export const lanes = { waiting: 0, active: 1, held: 2, aggregating: 3, archived: 4, completed: 5 } as const;

/** Marks our files (PRAGMA application_id), so that no other database is taken for a queue. */
export const applicationId = 0x73757076;

/** The nth brings a file of version n - 1 to version n (PRAGMA user_version). What was released is never changed. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    paused INTEGER NOT NULL DEFAULT 0,
    processed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL,
    id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    place INTEGER,
    token INTEGER NOT NULL DEFAULT 0,
    owner INTEGER,
    enqueued_at INTEGER NOT NULL,
    max_retry INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    retention INTEGER NOT NULL,
    retried INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    expires INTEGER,
    failed_at INTEGER,
    type TEXT NOT NULL,
    key TEXT,
    headers TEXT,
    lock TEXT,
    grp TEXT,
    grp_set TEXT,
    blocks TEXT,
    held_for TEXT,
    last_error TEXT,
    progress TEXT,
    result,
    payload,
    UNIQUE (queue, id)
  );
  CREATE INDEX by_run ON tasks (queue, lane, run_at);
  CREATE INDEX retrying ON tasks (queue, run_at) WHERE lane = 0 AND failed_at IS NOT NULL;
  CREATE INDEX held ON tasks (queue, held_for) WHERE lane = 2;
  CREATE INDEX blocking ON tasks (queue, blocks) WHERE blocks IS NOT NULL;
  CREATE INDEX grouped ON tasks (queue, grp, grp_set) WHERE lane = 3;
  CREATE INDEX expiring ON tasks (expires) WHERE expires IS NOT NULL;
  -- Large payloads: every change of a row in tasks writes all of it anew.
  CREATE TABLE bodies (seq INTEGER PRIMARY KEY, payload NOT NULL);
  CREATE TRIGGER with_body AFTER DELETE ON tasks WHEN old.payload IS NULL
    BEGIN DELETE FROM bodies WHERE seq = old.seq; END;
  CREATE TABLE locks (
    queue INTEGER NOT NULL, key TEXT NOT NULL, task TEXT NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
  ) WITHOUT ROWID;
  CREATE INDEX lock_ends ON locks (until);
  CREATE TABLE sets (
    id TEXT PRIMARY KEY, queue INTEGER NOT NULL, until INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE days (
    queue INTEGER NOT NULL, day TEXT NOT NULL, processed INTEGER NOT NULL, failed INTEGER NOT NULL,
    PRIMARY KEY (queue, day)
  ) WITHOUT ROWID;
  CREATE TABLE owners (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, birth TEXT NOT NULL, consumes TEXT NOT NULL DEFAULT '[]'
  );
  CREATE TABLE cancels (
    n INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, at INTEGER NOT NULL
  );
  CREATE TABLE schedules (
    entry TEXT PRIMARY KEY, last_at INTEGER, paused INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE TABLE runs (
    entry TEXT NOT NULL, at INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (entry, at)
  ) WITHOUT ROWID;
  `,
];
