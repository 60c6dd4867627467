// The guestbook's two databases, through one contract.

import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { jest } from "@jest/globals";
import pg from "pg";
import { type Book, openBook } from "../../examples/guestbook/_book.ts";
import { defaultFile } from "../../examples/guestbook/_sqlite.ts";
import { eventually } from "../support/eventually.ts";
import { describeWithPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("a guestbook in SQLite", () => {
  const tempDir = tempDirs();

  keepsEntries(() => {
    const env = { GUESTBOOK_DB: `${tempDir().path}/guestbook.db` };
    return () => openBook(env);
  });

  it("has a default file in a folder of the user's own", () => {
    const { path } = tempDir();
    const file = defaultFile(path);
    expect(file).toBe(`${path}/holdfast-guestbook-${process.getuid?.()}/guestbook.db`);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(defaultFile(path)).toBe(file);
  });

  it("refuses that folder when others may enter it", () => {
    const { path } = tempDir();
    mkdirSync(`${path}/holdfast-guestbook-${process.getuid?.()}`, { mode: 0o755 });
    expect(() => defaultFile(path)).toThrow("set GUESTBOOK_DB");
  });
});

describeWithPostgres("a guestbook in PostgreSQL", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  }, 40_000);
  afterAll(() => postgres.stop());

  const administer = async (sql: string) => {
    const client = new pg.Client(postgres.url);
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  beforeEach(() => administer("DROP TABLE IF EXISTS entry"));

  keepsEntries(() => () => openBook({ DATABASE_URL: postgres.url }));

  it("opens a new connection when the server has closed the one it had", async () => {
    const book = await openBook({ DATABASE_URL: postgres.url });
    const { openedAt } = book.connection;
    const warned = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    await administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    await eventually(() => warned.mock.calls.flat().join().includes("terminating connection"));
    await book.add("Ada", "again");
    expect(book.connection.openedAt).toBeGreaterThan(openedAt);
    expect((await book.newest(1)).entries[0]?.message).toBe("again");
    await book.close();
    warned.mockRestore();
  });

  it("says that it cannot reach the server", async () => {
    await expect(openBook({ DATABASE_URL: "postgres://guest@127.0.0.1:1/none" })).rejects.toThrow("ECONNREFUSED");
  });
});

/** `place` prepares an empty database and returns what opens it. */
function keepsEntries(place: () => () => Promise<Book>): void {
  it("is empty at first", async () => {
    const book = await place()();
    expect(await book.newest(10)).toEqual({ entries: [], total: 0 });
    await book.close();
  });

  it("gives the newest first, no more than asked, and how many there are", async () => {
    const book = await place()();
    for (const message of ["one", "two", "three"]) await book.add("Ada", message);
    const { entries, total } = await book.newest(2);
    expect(entries.map(({ message }) => message)).toEqual(["three", "two"]);
    expect(total).toBe(3);
    expect(Math.abs(Date.now() - (entries[0]?.writtenAt.getTime() ?? 0))).toBeLessThan(60_000);
    await book.close();
  });

  it("keeps text as it was written", async () => {
    const book = await place()();
    const message = `'; DROP TABLE entry; -- "quoted" \\ 100% 日本語 👋🏽\nsecond line`;
    await book.add("O'Brien", message);
    expect((await book.newest(1)).entries[0]).toMatchObject({ name: "O'Brien", message });
    await book.close();
  });

  it("is written by several workers at once, and each sees what the others wrote", async () => {
    const open = place();
    const books = await Promise.all([open(), open(), open()]);
    await Promise.all(books.flatMap((book) => Array.from({ length: 20 }, (_, n) => book.add("Ada", String(n)))));
    for (const book of books) expect((await book.newest(1)).total).toBe(60);
    for (const book of books) await book.close();
  });

  it("still holds everything when it is opened again", async () => {
    const open = place();
    const first = await open();
    await first.add("Ada", "kept");
    await first.close();
    const second = await open();
    expect((await second.newest(1)).entries[0]?.message).toBe("kept");
    await second.close();
  });

  it("says which engine it is, when its connection was opened and how long that took", async () => {
    const before = performance.now();
    const book = await place()();
    expect(book.engine).toMatch(/^(SQLite|PostgreSQL) \d+\.\d+/);
    expect(book.connection.openedAt).toBeGreaterThan(before);
    expect(book.connection.openingMs).toBeGreaterThan(0);
    await book.close();
  });
}
