// Sessions in a file of SQLite, by Node's own driver. That one blocks the thread; so nothing here waits for a lock
// of the database in it, and every statement touches one row, or a bounded number.

import { chmod, open } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { Fault } from "../../../src/base/fault.ts";
import { makeFolder } from "../../../src/base/make-folder.ts";
import type { SessionStore } from "../store.ts";
import type { StoreOptions } from "./index.ts";
import { pause } from "./pause.ts";
import { type Statements, statements } from "./sql.ts";
import { openTableStore, type Parameter, type Row, type Table } from "./table-store.ts";

const SQL = statements({
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  skipLocked: "",
  bigint: "INTEGER",
  // Nothing waits for the disk (synchronous = NORMAL).
  soon: "",
});
const SCHEMA_VERSION = 1;
/** [sqlite.org/rescode.html]; extended codes have more bits. */
const SQLITE_BUSY = 5;
const PAUSE_MS = 2;
const PAUSE_MS_MAX = 30;

export async function openSqliteStore({ options, namespace }: StoreOptions): Promise<SessionStore> {
  const { path, storeTimeoutMs } = options;
  if (path === undefined) throw new Fault("CONFIG", "session.path names no file for sessions");
  await makeFolder(dirname(path), 0o700);
  // SQLite gives the files that it makes beside it the same mode.
  await (await open(path, "a", 0o600)).close();
  await chmod(path, 0o600);
  const { DatabaseSync: Database } = quietly(() => process.getBuiltinModule("node:sqlite"));
  return openTableStore(new SqliteTable(new Database(path), storeTimeoutMs), namespace);
}

class SqliteTable implements Table {
  readonly name = "sqlite";
  readonly statements: Statements = SQL;
  readonly #database: DatabaseSync;
  readonly #patienceMs: number;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, patienceMs: number) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  async prepare(): Promise<void> {
    await this.#patiently(() => {
      this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 0");
      const row = this.#database.prepare("PRAGMA user_version").get() as { user_version: number };
      if (row.user_version > SCHEMA_VERSION) {
        throw new Fault("HANDLER", `session.path is of a later version of Holdfast (${row.user_version})`, {
          status: 503,
          hint: "Give this one a file of its own.",
        });
      }
      this.#database.exec(`BEGIN IMMEDIATE; ${SQL.create.join(";")}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    });
  }

  run(sql: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#patiently(() => this.#statement(sql).all(...parameters) as Row[]);
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql.replace(/\$(\d)/g, "?$1"));
    this.#prepared.set(sql, made);
    return made;
  }

  /** While another writes, this thread does something else. */
  async #patiently<T>(work: () => T): Promise<T> {
    const until = systemClock.now() + this.#patienceMs;
    for (let wait = PAUSE_MS; ; wait = Math.min(wait * 1.5, PAUSE_MS_MAX)) {
      try {
        return work();
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        if (!isBusy(error) || systemClock.now() > until) throw error;
      }
      await pause(wait);
    }
  }
}

function isBusy(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === SQLITE_BUSY;
}

/** Node 22 calls the module experimental, in every worker anew. */
function quietly<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
