// A session store over a table, whatever runs the statements.

import { FINAL, type Lease, type SessionStore, type Stored, type Written } from "../store.ts";
import type { WallTime } from "../wall-clock.ts";
import { type Statements, SWEPT } from "./sql.ts";

export type Parameter = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

export interface Table {
  readonly name: string;
  readonly statements: Statements;
  /** Makes the table where there is none. */
  prepare(): Promise<void>;
  /** Resolves with the rows that it returns. */
  run(sql: string, parameters: readonly Parameter[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export async function openTableStore(table: Table, namespace: string): Promise<SessionStore> {
  try {
    await table.prepare();
  } catch (error) {
    await table.close();
    throw error;
  }
  return new TableStore(table, namespace);
}

class TableStore implements SessionStore {
  readonly #table: Table;
  readonly #namespace: string;
  readonly #sql: Statements;

  constructor(table: Table, namespace: string) {
    this.#table = table;
    this.#namespace = namespace;
    this.#sql = table.statements;
  }

  get name(): string {
    return this.#table.name;
  }

  async read(key: string): Promise<Stored | undefined> {
    return stored(await this.#run(this.#sql.read, key));
  }

  async claim(key: string, { token, ms }: Lease): Promise<Stored | "held" | undefined> {
    const claimed = stored(await this.#run(this.#sql.claim, key, token, ms));
    if (claimed !== undefined) return claimed;
    return (await this.read(key)) === undefined ? undefined : "held";
  }

  async renew(key: string, { token, ms }: Lease): Promise<boolean> {
    return (await this.#run(this.#sql.renew, key, token, ms)).length > 0;
  }

  async release(key: string, { token }: Lease): Promise<void> {
    await this.#run(this.#sql.release, key, token);
  }

  async create(key: string, { text, expiresAt }: Stored, lease: Lease | undefined): Promise<void> {
    await this.#run(this.#sql.insert, key, text, expiresAt, lease?.token ?? null, lease?.ms ?? 0);
  }

  async update(key: string, { text, expiresAt }: Stored, lease: Lease | undefined): Promise<Written> {
    const done =
      lease === undefined
        ? await this.#run(this.#sql.update, key, text, expiresAt)
        : await this.#run(this.#sql.updateHeld, key, lease.token, text, expiresAt);
    if (done.length > 0) return "written";
    const present = await this.read(key);
    return present === undefined || present.text === FINAL ? "gone" : "lost";
  }

  async touch(key: string, expiresAt: WallTime): Promise<boolean> {
    return (await this.#run(this.#sql.touch, key, expiresAt)).length > 0;
  }

  async destroy(key: string): Promise<void> {
    await this.#run(this.#sql.destroy, key);
  }

  async sweep(): Promise<boolean> {
    return (await this.#table.run(this.#sql.sweep, [])).length === SWEPT;
  }

  close(): Promise<void> {
    return this.#table.close();
  }

  #run(sql: string, key: string, ...more: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#table.run(sql, [this.#namespace, key, ...more]);
  }
}

/** PostgreSQL's driver gives whole numbers of 64 bits as text. */
function stored([row]: readonly Row[]): Stored | undefined {
  return row === undefined ? undefined : { text: String(row.text), expiresAt: Number(row.expires_at) };
}
