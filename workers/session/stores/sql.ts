// Sessions in a table: the statements that SQLite and PostgreSQL have in common. A session's lock is two columns of
// its row, so that reading and holding it is one statement, and no connection is kept for it. Pure.

import { FINAL } from "../store.ts";

export const TABLE = "holdfast_sessions";

export interface Dialect {
  /** An expression: milliseconds since 1970 by the database's own clock. */
  readonly now: string;
  /** After SELECT, where others may have locked rows. */
  readonly skipLocked: string;
  /** A whole number of 64 bits. */
  readonly bigint: string;
  /** After SET, for what need not outlive the server's crash: its answer does not wait for the disk. */
  readonly soon: string;
}

/** Rows that one sweep deletes. */
export const SWEPT = 500;

/** Parameters are $1, $2, …; the first two are always namespace and key. */
export function statements({ now, skipLocked, bigint, soon }: Dialect) {
  const live = `namespace = $1 AND key = $2 AND expires_at > ${now}`;
  const open = `${live} AND text <> '${FINAL}'`;
  const mine = `token = $3 AND held_until > ${now}`;
  return {
    create: [
      `CREATE TABLE IF NOT EXISTS ${TABLE} (
        namespace TEXT NOT NULL,
        key TEXT NOT NULL,
        text TEXT NOT NULL,
        expires_at ${bigint} NOT NULL,
        token TEXT,
        held_until ${bigint},
        PRIMARY KEY (namespace, key)
      )`,
      `CREATE INDEX IF NOT EXISTS ${TABLE}_expires_at ON ${TABLE} (expires_at)`,
    ],
    read: `SELECT text, expires_at FROM ${TABLE} WHERE ${live}`,
    /** $3 token, $4 milliseconds */
    claim: `UPDATE ${TABLE} SET token = $3, held_until = ${now} + $4${soon}
      WHERE ${live} AND (held_until IS NULL OR held_until <= ${now}) RETURNING text, expires_at`,
    /** $3 token, $4 milliseconds */
    renew: `UPDATE ${TABLE} SET held_until = ${now} + $4${soon} WHERE ${live} AND ${mine} RETURNING 1 AS done`,
    /** $3 token */
    release: `UPDATE ${TABLE} SET token = NULL, held_until = NULL${soon} WHERE namespace = $1 AND key = $2 AND token = $3`,
    /** $3 text, $4 expiry, $5 token or null, $6 milliseconds */
    insert: `INSERT INTO ${TABLE} (namespace, key, text, expires_at, token, held_until)
      VALUES ($1, $2, $3, $4, $5, ${now} + $6)`,
    /** $3 token, $4 text, $5 expiry */
    updateHeld: `UPDATE ${TABLE} SET text = $4, expires_at = $5 WHERE ${open} AND ${mine} RETURNING 1 AS done`,
    /** $3 text, $4 expiry */
    update: `UPDATE ${TABLE} SET text = $3, expires_at = $4 WHERE ${open} RETURNING 1 AS done`,
    /** $3 expiry */
    touch: `UPDATE ${TABLE} SET expires_at = $3${soon} WHERE ${open} RETURNING 1 AS done`,
    destroy: `DELETE FROM ${TABLE} WHERE namespace = $1 AND key = $2`,
    sweep: `DELETE FROM ${TABLE} WHERE (namespace, key) IN (
      SELECT namespace, key FROM ${TABLE} WHERE expires_at <= ${now} LIMIT ${SWEPT}${skipLocked}) RETURNING 1 AS done`,
  } as const;
}

export type Statements = ReturnType<typeof statements>;
