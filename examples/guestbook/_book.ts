// What the guestbook asks of a database, and which database that is. Two files implement it.

export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly message: string;
  readonly writtenAt: Date;
}

/** A guestbook over one open database connection. */
export interface Book {
  /** The database's name and version, for people. */
  readonly engine: string;
  /** When the connection was opened (`performance.now()`), and how many milliseconds that took. */
  readonly connection: { readonly openedAt: number; readonly openingMs: number };
  /** The newest entries, newest first, and how many there are in all. */
  newest(count: number): Promise<{ readonly entries: readonly Entry[]; readonly total: number }>;
  add(name: string, message: string): Promise<void>;
  close(): Promise<void>;
}

/** PostgreSQL where DATABASE_URL names one, else the embedded SQLite. */
export async function openBook(env: NodeJS.ProcessEnv = process.env): Promise<Book> {
  if (env.DATABASE_URL) {
    const { openPostgresBook } = await import("./_postgres.ts");
    return openPostgresBook(env.DATABASE_URL);
  }
  const { openSqliteBook, defaultFile } = await import("./_sqlite.ts");
  return openSqliteBook(env.GUESTBOOK_DB || defaultFile());
}
