// What is stored of one session while a request has it open, and where: made, changed, moved to another id, deleted.
// Knows no content but its text, no request and no cookie.

import type { LogLevel } from "../../src/base/fault.ts";
import type { Claims, Held } from "./claims.ts";
import { tooLong } from "./faults.ts";
import { keyOf } from "./id.ts";
import { endOf, isWorthTouching } from "./lifetime.ts";
import { FINAL, type SessionStore, type Written } from "./store.ts";
import type { WallClock, WallTime } from "./wall-clock.ts";

/** What a session is kept by, and for how long. */
export interface SessionKeeping {
  readonly store: SessionStore;
  readonly claims: Claims;
  readonly now: WallClock;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly lock: boolean;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** What was found of it. */
export interface FoundText {
  readonly id: string;
  readonly text: string;
  readonly expiresAt: WallTime;
  readonly held: Held | undefined;
}

interface Place {
  readonly key: string;
  readonly held: Held | undefined;
}

/**
 * An id that was changed is known for so long, ms: a request that was on its way meanwhile and brings it sees an empty
 * session, and its changes are dropped. Otherwise it would begin a session of its own, and its cookie would
 * take the place of the one that has just been set.
 */
export const MOVED_MS = 10_000;

export class StoredSession {
  readonly #keeping: SessionKeeping;
  /** Undefined: it is not stored. */
  #place: Place | undefined;
  #text: string;
  #createdAt: WallTime;
  #expiresAt: WallTime = 0;

  /** `text`: where nothing was found, what need not be stored. */
  constructor(keeping: SessionKeeping, createdAt: WallTime, found: FoundText | string) {
    this.#keeping = keeping;
    this.#createdAt = createdAt;
    if (typeof found === "string") this.#text = found;
    else {
      this.#text = found.text;
      this.#expiresAt = found.expiresAt;
      this.#place = { key: keyOf(found.id), held: found.held };
    }
  }

  get isThere(): boolean {
    return this.#place !== undefined;
  }

  /** What is stored; where nothing is, what need not be. */
  get text(): string {
    return this.#text;
  }

  /** What is left of its time, ms. */
  get restMs(): number {
    return this.#createdAt + this.#keeping.maxAgeMs - this.#keeping.now();
  }

  async create(id: string, text: string): Promise<void> {
    const { store, claims, lock } = this.#keeping;
    const key = keyOf(id);
    const expiresAt = this.#nextEnd();
    this.#expectFit(text);
    const lease = lock ? claims.newLease() : undefined;
    try {
      await store.create(key, { text, expiresAt }, lease);
    } catch (error) {
      // It may have been made all the same.
      if (lease !== undefined) store.release(key, lease).catch(() => {});
      throw error;
    }
    this.#place = { key, held: lease === undefined ? undefined : claims.held(key, lease) };
    this.#text = text;
    this.#expiresAt = expiresAt;
  }

  /**
   * Gives it another id; the new one is there before the old one goes, so that no failure loses it. False: it was destroyed,
   * or is another's by now: what was decided there counts.
   */
  async move(id: string, text: string): Promise<boolean> {
    const from = this.#place;
    if (from === undefined) return false;
    const { store, now } = this.#keeping;
    await this.create(id, text);
    let left: Written;
    try {
      left = await store.update(from.key, { text: FINAL, expiresAt: now() + MOVED_MS }, from.held?.lease);
    } catch (error) {
      // The visitor keeps the old one. A copy that cannot be deleted now has an id that nobody was given.
      await this.destroy().catch(() => {});
      // Whoever tries again begins anew.
      this.#text = "";
      throw error;
    } finally {
      await from.held?.release();
    }
    if (left === "written") return true;
    await this.destroy();
    return false;
  }

  /** Rejects where it is too long, or the store fails. */
  async update(text: string): Promise<Written> {
    if (this.#place === undefined) return "gone";
    const { key, held } = this.#place;
    this.#expectFit(text);
    const expiresAt = this.#nextEnd();
    const written = await this.#keeping.store.update(key, { text, expiresAt }, held?.lease);
    if (written === "lost") return written;
    this.#text = text;
    if (written === "written") this.#expiresAt = expiresAt;
    else {
      // Not every store keeps the lock in what is gone.
      await held?.release();
      this.#place = undefined;
    }
    return written;
  }

  /** This is never to be stored. */
  drop(text: string): void {
    this.#text = text;
  }

  /** Begins its idle time anew. */
  async touch(): Promise<void> {
    if (this.#place === undefined) return;
    const expiresAt = this.#nextEnd();
    if (await this.#keeping.store.touch(this.#place.key, expiresAt)) this.#expiresAt = expiresAt;
  }

  async touchIfWorth(): Promise<void> {
    if (isWorthTouching(this.#expiresAt, this.#nextEnd(), this.#keeping.idleTimeoutMs)) await this.touch();
  }

  async destroy(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    if (place === undefined) return;
    try {
      await this.#keeping.store.destroy(place.key);
    } finally {
      await place.held?.release();
    }
  }

  async release(): Promise<void> {
    await this.#place?.held?.release();
  }

  #nextEnd(): WallTime {
    const { now, idleTimeoutMs, maxAgeMs } = this.#keeping;
    return endOf({ now: now(), createdAt: this.#createdAt, idleTimeoutMs, maxAgeMs });
  }

  #expectFit(text: string): void {
    const bytes = Buffer.byteLength(text);
    const { maxBytes } = this.#keeping;
    if (bytes > maxBytes) throw tooLong(bytes, maxBytes);
  }
}
