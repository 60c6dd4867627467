// One session while a request has it open: what it holds, what of that is stored, and what is to become of its
// cookie. Knows no request and no reply.

import type { Session } from "../../src/app/session.ts";
import { isClosed, lost, tooLate } from "./faults.ts";
import { newId } from "./id.ts";
import { emptyContent, type SessionContent, type SessionRecord, writeRecord } from "./record.ts";
import { type FoundText, type SessionKeeping, StoredSession } from "./stored-session.ts";
import type { WallTime } from "./wall-clock.ts";

/** What was found of a session. */
export interface FoundSession extends FoundText {
  readonly record: Extract<SessionRecord, { kind: "session" }>;
}

export class OpenSession implements Session<Record<string, unknown>> {
  readonly #keeping: SessionKeeping;
  readonly #content: SessionContent;
  #stored: StoredSession;
  /** Its changes are dropped: another request has given the visitor another id, or has logged the visitor out. */
  #detached: boolean;
  #id: string;
  #createdAt: WallTime;
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
      this.#stored = this.#notStored();
    } else {
      const { data, flash, createdAt } = found.record;
      this.#content = { data, flash };
      this.#id = found.id;
      this.#createdAt = createdAt;
      this.#stored = new StoredSession(keeping, createdAt, found);
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
    return !this.#stored.isThere && (this.#detached || isEmpty(this.#content));
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
    this.#regenerated = this.#stored.isThere;
  }

  async destroy(): Promise<void> {
    this.#expectOpen();
    const stored = this.#stored;
    this.#regenerated = false;
    this.#touched = false;
    this.#cookie = "remove";
    this.#id = newId();
    this.#isNew = true;
    this.#createdAt = this.#keeping.now();
    for (const bag of [this.#content.data, this.#content.flash]) for (const name of Object.keys(bag)) delete bag[name];
    this.#stored = this.#notStored();
    await stored.destroy();
  }

  async save(): Promise<void> {
    this.#expectOpen();
    const text = writeRecord(this.#createdAt, this.#content);
    const isChanged = text !== this.#stored.text;
    if (!this.#stored.isThere) {
      if (isChanged) await this.#begin(text);
    } else if (this.#regenerated) {
      await this.#move(text);
    } else if (isChanged) {
      await this.#update(text);
    } else if (this.#touched) {
      await this.#stored.touch();
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
    await this.#stored.release();
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
    return this.#stored.restMs;
  }

  /** The request is over. With `failed`, what it has changed and not saved is dropped. Never rejects but with what saving says. */
  async end(failed: boolean): Promise<void> {
    try {
      if (failed) return;
      if (this.#closed) this.#tellOfLateChanges();
      else await this.save();
      await this.#stored.touchIfWorth();
    } finally {
      this.#closed = true;
      await this.#stored.release();
    }
  }

  async #begin(text: string): Promise<void> {
    if (this.#detached) {
      this.#keeping.log("warn", "what a request put into a session whose id another has just changed was dropped");
      this.#stored.drop(text);
      return;
    }
    if (this.#headSent) throw tooLate("a session cannot begin");
    await this.#stored.create(this.#id, text);
    this.#cookie = "set";
  }

  async #move(text: string): Promise<void> {
    let isMoved: boolean;
    try {
      isMoved = await this.#stored.move(this.#id, text);
    } catch (error) {
      if (!this.#stored.isThere) {
        this.#regenerated = false;
        this.#cookie = undefined;
      }
      throw error;
    }
    this.#regenerated = false;
    this.#cookie = isMoved ? "set" : "remove";
    if (!isMoved) throw lost();
  }

  async #update(text: string): Promise<void> {
    switch (await this.#stored.update(text)) {
      case "written":
        return;
      case "gone":
        // A visitor who has logged out stays so, and an id that was changed stays dead.
        this.#detached = true;
        this.#keeping.log(
          "info",
          "a session was destroyed while a request had it open, or got another id; its changes were dropped",
        );
        return;
      case "lost":
        throw lost();
    }
  }

  #notStored(): StoredSession {
    return new StoredSession(this.#keeping, this.#createdAt, writeRecord(this.#createdAt, this.#content));
  }

  #expectOpen(): void {
    if (this.#closed) throw isClosed();
  }

  #tellOfLateChanges(): void {
    if (writeRecord(this.#createdAt, this.#content) === this.#stored.text) return;
    this.#keeping.log("warn", "a session was changed after it was closed; that was dropped");
  }
}

function isEmpty({ data, flash }: SessionContent): boolean {
  return Object.keys(data).length === 0 && Object.keys(flash).length === 0;
}
