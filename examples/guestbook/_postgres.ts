// The guestbook in PostgreSQL, over one connection per worker. A connection that the server closed
// is opened again by the next request; the page then shows a young one.

import type { Book, Entry } from "./_book.ts";

const CONNECT_TIMEOUT_MS = 5000;
const QUERY_TIMEOUT_MS = 5000;

export async function openPostgresBook(url: string): Promise<Book> {
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new Error("DATABASE_URL is set, and the package pg is not installed: npm install pg", { cause });
  });
  // A pool of one: its queries wait for each other, and it replaces a connection that was lost.
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  let asked = 0;
  let connection = { openedAt: 0, openingMs: 0 };
  pool.on("connect", () => {
    const openedAt = performance.now();
    connection = { openedAt, openingMs: openedAt - asked };
  });
  // Said while no query is under way; the next one opens another connection.
  pool.on("error", (error) => console.warn(`guestbook: ${error.message}`));

  function query(text: string, values: unknown[] = []) {
    if (pool.totalCount === 0) asked = performance.now();
    return pool.query(text, values);
  }

  try {
    // Two workers that create the same table at the same moment collide in the catalogue: one waits.
    await query(`
      SELECT pg_advisory_xact_lock(7263);
      CREATE TABLE IF NOT EXISTS entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL, message text NOT NULL, written_at timestamptz NOT NULL DEFAULT now()
      )`);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const version = String((await query("SHOW server_version")).rows[0].server_version).split(" ")[0];

  return {
    engine: `PostgreSQL ${version}`,
    get connection() {
      return connection;
    },
    async newest(limit) {
      const { rows } = await query(
        `SELECT id::int, name, message, written_at AS "writtenAt", count(*) OVER ()::int AS total
         FROM entry ORDER BY id DESC LIMIT $1`,
        [limit],
      );
      return { entries: rows.map(({ total: _, ...entry }) => entry as Entry), total: rows[0]?.total ?? 0 };
    },
    async add(name, message) {
      await query("INSERT INTO entry (name, message) VALUES ($1, $2)", [name, message]);
    },
    close: () => pool.end(),
  };
}
