import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { SupervisorError } from "../../../core/errors.ts";
import type { SqliteAddress } from "./address.ts";
import { notAQueue } from "./faults.ts";
import { applicationId, migrations } from "./schema.ts";

/** How long a statement waits, with the event loop, for another process; a longer wait is ours, without it. */
const busyMs = 4;
const incremental = 2;

/**
 * Opens a queue, makes it where there is none, and brings it to this version.
 *
 * @throws SupervisorError BAD_BROKER, or what SQLite throws
 */
export function openDatabase({ file, synchronous }: SqliteAddress): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: busyMs });
  try {
    refuseOthers(db, file);
    // In this order: the first one has to come before there is any table, the second before any other connection.
    // It takes the lock of writers, which a busy process hardly ever leaves free for long enough: once is enough.
    if (pragma(db, "auto_vacuum") !== incremental) db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(`PRAGMA synchronous = ${synchronous}`);
    db.exec("PRAGMA cache_size = -16384");
    db.exec("PRAGMA wal_autocheckpoint = 1000");
    // A write-ahead log that has grown in a burst is cut down to this when it starts anew.
    db.exec("PRAGMA journal_size_limit = 33554432");
    db.exec("PRAGMA temp_store = MEMORY");
    migrate(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens a queue that cannot be written, because its disk is full. SQLite needs room even to read: for the index of the
 * write-ahead log, which is there only while somebody has the file open, or has died with it. Without such a log nobody
 * has it open, and the file can be read as one that nobody changes.
 *
 * @throws SupervisorError BAD_BROKER, or what SQLite throws
 */
export function openToRead({ file }: Pick<SqliteAddress, "file">): DatabaseSync {
  const url = pathToFileURL(file);
  if (!hasLog(file)) url.search = "immutable=1";
  const db = new DatabaseSync(url, { readOnly: true, timeout: busyMs });
  try {
    refuseOthers(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

export function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get() ?? {};
  return Number(Object.values(row)[0] ?? 0);
}

function refuseOthers(db: DatabaseSync, file: string): void {
  const tables = Number(Object.values(db.prepare("SELECT count(*) FROM sqlite_schema").get() ?? {})[0]);
  if (tables > 0 && pragma(db, "application_id") !== applicationId)
    throw notAQueue(file, "is another database");
  const version = pragma(db, "user_version");
  if (version <= migrations.length) return;
  throw new SupervisorError(
    "BAD_BROKER",
    `The queue ${file} was written by a newer supervisor (version ${version} of its tables, this one knows ${migrations.length})`,
    "Run that newer supervisor, or name another file in brokers:.",
  );
}

function migrate(db: DatabaseSync, file: string): void {
  if (pragma(db, "user_version") === migrations.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been here meanwhile.
    refuseOthers(db, file);
    for (const step of migrations.slice(pragma(db, "user_version"))) db.exec(step);
    db.exec(`PRAGMA application_id = ${applicationId}`);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
