// Notes in one SQLite file, by the module that comes with Node. Every worker opens it once; names that begin
// with `_` are never served.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Note {
  readonly id: number;
  readonly text: string;
}

const DATA = join(import.meta.dirname, "..", "data");
/** Another worker may be writing: it is waited for, ms. */
const BUSY_TIMEOUT_MS = 2000;
const NOTES_SHOWN = 100;
export const TEXT_CHARS = 2000;

export class Store {
  readonly #db: DatabaseSync;

  constructor(folder = DATA) {
    mkdirSync(folder, { recursive: true });
    this.#db = new DatabaseSync(join(folder, "notes.db"), { timeout: BUSY_TIMEOUT_MS });
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`);
  }

  newest(): Note[] {
    return this.#db.prepare("SELECT id, text FROM note ORDER BY id DESC LIMIT ?").all(NOTES_SHOWN) as unknown as Note[];
  }

  get(id: number): Note | undefined {
    return this.#db.prepare("SELECT id, text FROM note WHERE id = ?").get(id) as unknown as Note | undefined;
  }

  add(text: string): Note {
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO note (text) VALUES (?)").run(text);
    return { id: Number(lastInsertRowid), text };
  }

  delete(id: number): boolean {
    return this.#db.prepare("DELETE FROM note WHERE id = ?").run(id).changes > 0;
  }

  close(): void {
    this.#db.close();
  }
}

/** One for all modules of this worker. */
let store: Store | undefined;

export function openStore(): Store {
  store ??= new Store();
  return store;
}

export function problem(status: number, message: string): Response {
  return Response.json({ error: message }, { status });
}
