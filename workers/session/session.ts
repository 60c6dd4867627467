// One session while a request has it open: what it holds, what of that is stored, and what is to become of its
// cookie. Knows no request and no reply.

import type { Session } from "../../src/app/session.ts";
import type { LogLevel } from "../../src/base/fault.ts";
import type { Claims, Held } from "./claims.ts";
import { isClosed, lost, tooLate, tooLong } from "./faults.ts";
import { keyOf, newId } from "./id.ts";
import { endOf, isWorthTouching } from "./lifetime.ts";
import { emptyContent, MOVED, type SessionContent, type SessionRecord, writeRecord } from "./record.ts";
import type { SessionStore, Written } from "./store.ts";
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

/** What was found of a session. */
export interface FoundSession {
  readonly id: string;
  readonly record: Extract<SessionRecord, { kind: "session" }>;
  readonly text: string;
  readonly expiresAt: WallTime;
  readonly held: Held | undefined;
}

/** Where it is stored, and as what. */
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

export class OpenSession implements Session<Record<string, unknown>> {
  readonly #keeping: SessionKeeping;
  /** Its changes are dropped: another request has given the visitor another id. */
  readonly #detached: boolean;
  readonly #content: SessionContent;
  #id: string;
  #createdAt: WallTime;
  /** Undefined: it is not stored. */
  #place: Place | undefined;
  /** What is stored; without a place, what need not be. */
  #text: string;
  #expiresAt: WallTime = 0;
  #isNew: boolean;
  #regenerated = false;
  #touched = false;
  #cookie: "set" | "remove" | undefined;
  #headSent = false;
  #closed = false;

  constructor(keeping: SessionKeeping, found: FoundSession | "none" | "moved") {
    this.#keeping = keeping;
    this.#detached = found === "moved";
    this.#isNew = typeof found === "string";
    if (typeof found === "string") {
      this.#content = emptyContent();
      this.#id = newId();
      this.#createdAt = keeping.now();
      this.#text = writeRecord(this.#createdAt, this.#content);
    } else {
      const { data, flash, createdAt } = found.record;
      this.#content = { data, flash };
      this.#id = found.id;
      this.#createdAt = createdAt;
      this.#text = found.text;
      this.#expiresAt = found.expiresAt;
      this.#place = { key: keyOf(found.id), held: found.held };
    }
  }

  get id(): string {
    return this.#id;
  }

  get isNew(): boolean {
    return this.#isNew;
  }

  get data(): Record<string, unknown> {
    return this.#content.data;
  }

  /** Nothing of it is stored, or is to be. */
  get isAbsent(): boolean {
    return this.#place === undefined && isEmpty(this.#content);
  }

  flash<Value>(key: string, value: Value): void;
  flash<Value>(key: string): Value | undefined;
  flash(key: string, ...[value]: readonly [unknown?]): unknown {
    const { flash } = this.#content;
    if (value !== undefined) {
      flash[key] = value;
      return undefined;
    }
    const left = flash[key];
    delete flash[key];
    return left;
  }

  regenerate(): void {
    this.#expectOpen();
    if (this.#headSent) throw tooLate("a session cannot get a new id");
    this.#id = newId();
    this.#regenerated = this.#place !== undefined;
  }

  async destroy(): Promise<void> {
    this.#expectOpen();
    const place = this.#place;
    this.#place = undefined;
    this.#regenerated = false;
    this.#touched = false;
    this.#cookie = "remove";
    this.#id = newId();
    this.#isNew = true;
    this.#createdAt = this.#keeping.now();
    for (const bag of [this.#content.data, this.#content.flash]) for (const name of Object.keys(bag)) delete bag[name];
    this.#text = writeRecord(this.#createdAt, this.#content);
    if (place === undefined) return;
    try {
      await this.#keeping.store.destroy(place.key);
    } finally {
      await place.held?.release();
    }
  }

  async save(): Promise<void> {
    this.#expectOpen();
    const text = writeRecord(this.#createdAt, this.#content);
    const isChanged = text !== this.#text;
    if (this.#place === undefined) {
      if (isChanged) await this.#begin(text);
    } else if (this.#regenerated) {
      await this.#move(this.#place, text);
    } else if (isChanged) {
      await this.#update(this.#place, text);
    } else if (this.#touched) {
      await this.#touch(this.#place);
    }
    this.#touched = false;
  }

  touch(): void {
    this.#expectOpen();
    this.#touched = true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.save();
    this.#closed = true;
    await this.#release();
  }

  /** What is to be said of the cookie, once; from then on the reply's head is sent. */
  takeCookie(): "set" | "remove" | undefined {
    this.#headSent = true;
    const cookie = this.#cookie;
    this.#cookie = undefined;
    return cookie;
  }

  /** What is left of its time, ms. */
  get restMs(): number {
    return this.#createdAt + this.#keeping.maxAgeMs - this.#keeping.now();
  }

  /** The request is over. With `failed`, what it has changed and not saved is dropped. Never rejects but with what saving says. */
  async end(failed: boolean): Promise<void> {
    try {
      if (failed) return;
      if (this.#closed) this.#tellOfLateChanges();
      else await this.save();
      const place = this.#place;
      if (place !== undefined && this.#isWorthTouching()) await this.#touch(place);
    } finally {
      this.#closed = true;
      await this.#release();
    }
  }

  async #begin(text: string): Promise<void> {
    if (this.#detached) {
      this.#keeping.log("warn", "what a request put into a session whose id another has just changed was dropped");
      this.#text = text;
      return;
    }
    if (this.#headSent) throw tooLate("a session cannot begin");
    this.#place = await this.#create(text);
  }

  async #create(text: string): Promise<Place> {
    const { store, claims, lock } = this.#keeping;
    const key = keyOf(this.#id);
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
    this.#cookie = "set";
    this.#text = text;
    this.#expiresAt = expiresAt;
    return { key, held: lease === undefined ? undefined : claims.held(key, lease) };
  }

  /** The new one is there before the old one goes, so that no failure loses it. */
  async #move(from: Place, text: string): Promise<void> {
    const { store, now } = this.#keeping;
    const place = await this.#create(text);
    this.#place = place;
    this.#regenerated = false;
    const mark = { text: MOVED, expiresAt: now() + MOVED_MS };
    let left: Written;
    try {
      left = await store.update(from.key, mark, from.held?.lease);
    } catch (error) {
      // The visitor keeps the old one. A copy that cannot be deleted now has an id that nobody was given.
      await this.#undo(place).catch(() => {});
      this.#cookie = undefined;
      // Whoever tries again begins anew.
      this.#text = "";
      throw error;
    } finally {
      await from.held?.release();
    }
    if (left === "written") return;
    // It was destroyed, or is another's by now: what was decided there counts.
    await this.#undo(place);
    this.#cookie = "remove";
    throw lost();
  }

  async #undo({ key, held }: Place): Promise<void> {
    this.#place = undefined;
    try {
      await this.#keeping.store.destroy(key);
    } finally {
      await held?.release();
    }
  }

  async #update({ key, held }: Place, text: string): Promise<void> {
    this.#expectFit(text);
    const expiresAt = this.#nextEnd();
    const written = await this.#keeping.store.update(key, { text, expiresAt }, held?.lease);
    switch (written) {
      case "written":
        this.#text = text;
        this.#expiresAt = expiresAt;
        return;
      case "gone":
        // A visitor who has logged out stays so.
        this.#keeping.log("info", "a session was destroyed while a request had it open; its changes were dropped");
        this.#text = text;
        // Not every store keeps the lock in what is gone.
        await held?.release();
        this.#place = undefined;
        return;
      case "lost":
        throw lost();
    }
  }

  async #touch({ key }: Place): Promise<void> {
    const expiresAt = this.#nextEnd();
    if (await this.#keeping.store.touch(key, expiresAt)) this.#expiresAt = expiresAt;
  }

  #isWorthTouching(): boolean {
    return isWorthTouching(this.#expiresAt, this.#nextEnd(), this.#keeping.idleTimeoutMs);
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

  #expectOpen(): void {
    if (this.#closed) throw isClosed();
  }

  #tellOfLateChanges(): void {
    if (writeRecord(this.#createdAt, this.#content) === this.#text) return;
    this.#keeping.log("warn", "a session was changed after it was closed; that was dropped");
  }

  async #release(): Promise<void> {
    await this.#place?.held?.release();
  }
}

function isEmpty({ data, flash }: SessionContent): boolean {
  return Object.keys(data).length === 0 && Object.keys(flash).length === 0;
}
