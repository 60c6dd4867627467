// Sessions in a table of PostgreSQL. No connection is held between statements, so few are enough, and a pooler in
// between (PgBouncer, transaction mode) does no harm.

import type pg from "pg";
import { Fault, messageOf } from "../../../src/base/fault.ts";
import type { SessionStore } from "../store.ts";
import { loadDriver } from "./driver.ts";
import type { StoreOptions } from "./index.ts";
import { type Statements, statements, TABLE } from "./sql.ts";
import { openTableStore, type Parameter, type Row, type Table } from "./table-store.ts";

/** Exported for tests. */
export const SQL = statements({
  now: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
  skipLocked: " FOR UPDATE SKIP LOCKED",
  bigint: "BIGINT",
  // A lock that a crash forgets was a lease, and whoever writes without it is refused. For this statement only, so that
  // it costs no round trip [PostgreSQL, 28.4].
  soon: " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS soon",
});
/** Of one worker. */
const CONNECTIONS_MAX = 4;
const IDLE_MS = 60_000;
/** duplicate_table, unique_violation: another worker makes the table just now [PostgreSQL, appendix A]. */
const MADE_BY_ANOTHER = new Set(["42P07", "23505"]);
const INSUFFICIENT_PRIVILEGE = "42501";

export async function openPostgresStore(how: StoreOptions): Promise<SessionStore> {
  const { options, namespace, from, log } = how;
  if (options.url === undefined) throw new Fault("CONFIG", "session.url names no PostgreSQL server");
  const { Pool } = loadDriver("pg", "postgres", from) as typeof pg;
  const pool = new Pool({
    connectionString: options.url,
    max: CONNECTIONS_MAX,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: options.storeTimeoutMs,
    query_timeout: options.storeTimeoutMs,
    keepAlive: true,
    application_name: `holdfast sessions ${namespace}`,
  });
  // A connection that is lost while nobody uses it; the next one who asks gets another.
  pool.on("error", (error) => log("warn", "a connection of the session store was lost", { reason: messageOf(error) }));
  return openTableStore(new PostgresTable(pool), namespace);
}

class PostgresTable implements Table {
  readonly name = "postgres";
  readonly statements: Statements = SQL;
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Whoever may not make a table may use one that is there. */
  async prepare(): Promise<void> {
    const [row] = await this.run("SELECT to_regclass($1) IS NOT NULL AS there", [TABLE]);
    if (row?.there === true) return;
    try {
      await this.#pool.query(SQL.create.join(";\n"));
    } catch (error) {
      const { code = "" } = error as { readonly code?: string };
      if (MADE_BY_ANOTHER.has(code)) return;
      if (code !== INSUFFICIENT_PRIVILEGE) throw error;
      throw new Fault("HANDLER", `the user of session.url may not make the table ${TABLE}: ${messageOf(error)}`, {
        status: 503,
        hint: `Let it be made by one who may, and GRANT SELECT, INSERT, UPDATE, DELETE on it: ${SQL.create.join("; ")}`,
        cause: error,
      });
    }
  }

  async run(sql: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    const { rows } = await this.#pool.query<Row>(sql, [...parameters]);
    return rows;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
