// The guestbook in one SQLite file, by the module that comes with Node. Several workers and
// processes have it open at once: the write-ahead log lets them read while one writes, and the busy
// timeout lets a second writer wait its turn.

import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Book } from "./_book.ts";

const BUSY_TIMEOUT_MS = 2000;

export function openSqliteBook(file: string): Book {
  const started = performance.now();
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS entry (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, message TEXT NOT NULL, written_at INTEGER NOT NULL
    ) STRICT`);
  const newest = db.prepare("SELECT id, name, message, written_at FROM entry ORDER BY id DESC LIMIT ?");
  const count = db.prepare("SELECT count(*) AS total FROM entry");
  const insert = db.prepare("INSERT INTO entry (name, message, written_at) VALUES (?, ?, ?)");
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  const openedAt = performance.now();

  return {
    engine: `SQLite ${version}`,
    connection: { openedAt, openingMs: openedAt - started },
    async newest(limit) {
      const rows = newest.all(limit) as { id: number; name: string; message: string; written_at: number }[];
      const entries = rows.map(({ written_at, ...row }) => ({ ...row, writtenAt: new Date(written_at) }));
      return { entries, total: (count.get() as { total: number }).total };
    },
    async add(name, message) {
      insert.run(name, message, Date.now());
    },
    async close() {
      db.close();
    },
  };
}

/**
 * A file outside everything that is served, in a folder that only this user can enter. Others may
 * write to the temporary folder too, so a folder that is not ours is refused rather than used.
 */
export function defaultFile(parent = tmpdir()): string {
  const uid = process.getuid?.() ?? "user";
  const folder = join(parent, `holdfast-guestbook-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || (typeof uid === "number" && (found.uid !== uid || (found.mode & 0o077) !== 0))) {
    throw new Error(`${folder} belongs to someone else: set GUESTBOOK_DB to a file of your own`);
  }
  return join(folder, "guestbook.db");
}
