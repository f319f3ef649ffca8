import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseAddress } from "../../../src/queue/drivers/sqlite/address.ts";
import { openDatabase } from "../../../src/queue/drivers/sqlite/database.ts";
import { tasks } from "../../contract/queue-site.ts";
import { openSite } from "../../support/sqlite-site.ts";
import { tempDir } from "../../support/temp-dir.ts";

const isRoot = process.getuid?.() === 0;

describe("sqlite: opening a file", () => {
  test("makes the file and its folders, in WAL mode with full synchronisation", async () => {
    await using site = openSite("deep/er/queue.db");
    await site.driver.connect();
    expect(existsSync(site.file)).toBe(true);
    expect([site.pragma("journal_mode"), site.pragma("synchronous")]).toEqual(["wal", 2]);
    expect(site.connections).toEqual(["up"]);
  });

  test("?synchronous=normal flushes less", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    await site.driver.connect();
    expect(site.pragma("synchronous")).toBe(1);
  });

  test("refuses a file of a newer supervisor, and says what to do", async () => {
    await using site = openSite("queue.db");
    await site.driver.connect();
    await site.driver.close();
    const db = new DatabaseSync(site.file);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await expect(site.another().connect()).rejects.toMatchObject({
      code: "BAD_BROKER",
      message: expect.stringContaining("newer supervisor (version 99"),
      hint: expect.stringContaining("newer supervisor"),
    });
  });

  test("refuses another database, a file that is none, a folder, and a path below a file", async () => {
    using dir = tempDir({ text: "this is no database, and longer than its header ".repeat(10) });
    const other = new DatabaseSync(join(dir.path, "other.db"));
    other.exec("CREATE TABLE shop (id)");
    other.close();
    mkdirSync(join(dir.path, "folder"));
    for (const name of ["other.db", "text", "text/below.db"]) {
      const refused = await openSite(join(dir.path, name))
        .driver.connect()
        .catch((error) => error);
      expect([name, refused.code]).toEqual([name, "BAD_BROKER"]);
    }
    const folder = await openSite(join(dir.path, "folder"))
      .driver.connect()
      .catch((error) => error);
    expect(["BAD_BROKER", "BROKER_REFUSED"]).toContain(folder.code);
    expect(tablesOf(join(dir.path, "other.db")).length).toBe(1);
  });

  test("takes a file from two drivers at once that is not there yet", async () => {
    await using site = openSite("queue.db");
    const another = site.another();
    await Promise.all([site.driver.connect(), another.connect()]);
    await site.driver.enqueue(tasks("a", 1));
    expect((await another.inspector.queues())[0]?.counts.pending).toBe(1);
    await another.close();
  });

  test("opens a queue that another process is writing just now", async () => {
    await using site = openSite("queue.db");
    await site.driver.connect();
    await site.driver.close();
    const writer = new DatabaseSync(site.file);
    writer.exec("BEGIN IMMEDIATE");
    openDatabase(parseAddress(`sqlite:${site.file}`)).close();
    writer.close();
  });

  test("a new file that another process makes just now is waited for, and is no trouble yet", async () => {
    await using site = openSite("queue.db");
    const writer = new DatabaseSync(site.file);
    writer.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
    const connected = site.driver.connect();
    await site.clock.tick(1_000);
    expect(site.connections).toEqual([]);
    writer.exec("COMMIT");
    writer.close();
    await site.clock.tick(100);
    await connected;
    expect(site.connections).toEqual(["up"]);
  });

  test.skipIf(isRoot)(
    `refuses a folder that cannot be written${isRoot ? " (skipped: root may)" : ""}`,
    async () => {
      using dir = tempDir({ "locked/readme": "" });
      chmodSync(join(dir.path, "locked"), 0o500);
      const refused = openSite(join(dir.path, "locked/queue.db")).driver.connect();
      await expect(refused).rejects.toMatchObject({ code: "BROKER_REFUSED" });
      chmodSync(join(dir.path, "locked"), 0o700);
    },
  );

  test("parseAddress() takes absolute paths and the option, and names what else is there", () => {
    expect(parseAddress("sqlite:/a b/queue.db")).toEqual({ file: "/a b/queue.db", synchronous: "full" });
    expect(parseAddress("sqlite:///a/q.db?synchronous=normal")).toEqual({
      file: "/a/q.db",
      synchronous: "normal",
    });
    expect(parseAddress("sqlite:C:\\data\\q.db").file).toBe("C:\\data\\q.db");
    for (const url of [
      "sqlite:",
      "sqlite:q.db",
      "sqlite:/q?synchronous=off",
      "sqlite:/q?cache=1",
      "redis://x",
    ]) {
      expect(() => parseAddress(url)).toThrow(expect.objectContaining({ code: "BAD_BROKER" }));
    }
  });
});

function tablesOf(file: string): unknown[] {
  const db = new DatabaseSync(file);
  const rows = db.prepare("SELECT name FROM sqlite_schema").all();
  db.close();
  return rows;
}
