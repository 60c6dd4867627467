// The guestbook in PostgreSQL, over one connection per worker. A connection that the server closed
// is opened again by the next request; the page then shows a young one.

import type { Client, QueryResult } from "pg";
import type { Book, Entry } from "./_book.ts";

const CONNECT_TIMEOUT_MS = 5000;
const QUERY_TIMEOUT_MS = 5000;

export async function openPostgresBook(url: string): Promise<Book> {
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new Error("DATABASE_URL is set, and the package pg is not installed: npm install pg", { cause });
  });
  let client: Client | undefined;
  let connecting: Promise<Client> | undefined;
  let connection = { openedAt: 0, openingMs: 0 };

  async function connect(): Promise<Client> {
    const started = performance.now();
    const fresh = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    const forget = () => {
      if (client === fresh) client = undefined;
    };
    fresh.on("error", forget).on("end", forget);
    await fresh.connect();
    const openedAt = performance.now();
    connection = { openedAt, openingMs: openedAt - started };
    client = fresh;
    return fresh;
  }

  async function query(text: string, values: readonly unknown[] = []): Promise<QueryResult> {
    if (client !== undefined) return client.query(text, [...values]);
    connecting ??= connect().finally(() => {
      connecting = undefined;
    });
    return (await connecting).query(text, [...values]);
  }

  // Two workers that create the same table at the same moment collide in the catalogue: one waits.
  await query("SELECT pg_advisory_lock(7263)");
  await query(`
    CREATE TABLE IF NOT EXISTS entry (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text NOT NULL, message text NOT NULL, written_at timestamptz NOT NULL DEFAULT now()
    )`);
  await query("SELECT pg_advisory_unlock(7263)");
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
      return { entries: rows as Entry[], total: rows[0]?.total ?? 0 };
    },
    async add(name, message) {
      await query("INSERT INTO entry (name, message) VALUES ($1, $2)", [name, message]);
    },
    async close() {
      await client?.end();
    },
  };
}
