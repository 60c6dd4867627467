// Where sessions are kept, whatever keeps them: one interface, and one suite of tests for all that implement it
// (test/contracts/session-store.ts). A store knows keys, text and times, and nothing of visitors or cookies.

import type { WallTime } from "./wall-clock.ts";

/** A session as a store has it. */
export interface Stored {
  readonly text: string;
  readonly expiresAt: WallTime;
}

/** Who holds a session, told from everybody else. */
export interface Lease {
  /** Random. */
  readonly token: string;
  /** How long it is held without being renewed, ms: what a holder that died costs the others. */
  readonly ms: number;
}

/**
 * A text that stays until its time is over: nothing takes its place, and it is not touched. It stands where a session was
 * that has another id now, so that whoever has the old one still open brings nothing back.
 */
export const FINAL = "";

/** `gone`: there is no such session, or its text is FINAL. `lost`: it is not held by this lease, or no longer. */
export type Written = "written" | "gone" | "lost";

/**
 * All keys are 64 hexadecimal digits. What has expired is not there. Every method rejects when the store does
 * not answer, and none retries what it cannot know the outcome of.
 */
export interface SessionStore {
  /** For the log: "redis". */
  readonly name: string;
  /** What is there, whoever holds it. */
  read(key: string): Promise<Stored | undefined>;
  /** Reads it and holds it, in one step. "held": another holds it. */
  claim(key: string, lease: Lease): Promise<Stored | "held" | undefined>;
  /** A store that has a queue of its own: as `claim`, "held" after `waitMs`. */
  wait?(key: string, lease: Lease, waitMs: number): Promise<Stored | "held" | undefined>;
  /** Absent: what is held is held until its holder lets go or dies. False: it is not held by this lease any more. */
  renew?(key: string, lease: Lease): Promise<boolean>;
  /** Does nothing where it is not held by this lease. */
  release(key: string, lease: Lease): Promise<void>;
  /** A key that is not there; held if a lease is given. */
  create(key: string, stored: Stored, lease: Lease | undefined): Promise<void>;
  /** Never makes what is not there: a session that was destroyed stays so. Without a lease the last one wins. */
  update(key: string, stored: Stored, lease: Lease | undefined): Promise<Written>;
  /** False: it is not there, or its text is FINAL. */
  touch(key: string, expiresAt: WallTime): Promise<boolean>;
  /** Whoever holds it; its lock with it. */
  destroy(key: string): Promise<void>;
  /** Deletes some of what has expired, in bounded time. True: there is more. Absent: the store does that by itself. */
  sweep?(): Promise<boolean>;
  /** It did not answer in time: a connection that it has is not to be trusted. */
  doubt?(): void;
  close(): Promise<void>;
}
