// ctx.session: finds the session that a request brought, opens it once, and sees to it that it is saved before
// the reply and let go of after it.

import type { RequestSession, Session } from "../../src/app/session.ts";
import type { LogLevel } from "../../src/base/fault.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";
import type { ReplyHead, ReplyHook } from "../context.ts";
import { isClosed } from "./faults.ts";
import { keyOf } from "./id.ts";
import { endOf, isWorthTouching } from "./lifetime.ts";
import { readRecord } from "./record.ts";
import { type FoundSession, OpenSession } from "./session.ts";
import type { Stored } from "./store.ts";
import type { SessionKeeping } from "./stored-session.ts";
import type { OpenedStore, WorkerSessions } from "./worker-sessions.ts";

/** A request, as far as its session needs it. */
export interface SessionRequest {
  readonly params: Params;
  readonly signal: AbortSignal;
  /** When it is answered without its handler; Infinity: never. */
  readonly deadline: number;
  readonly log: (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;
  /** The head of its reply is not to be changed any more. */
  readonly isHeadSent: boolean;
  beforeReply(hook: ReplyHook): void;
  /** Asks for the value of Set-Cookie where the handler has failed. */
  beforeFailure(cookie: () => string | undefined): void;
  defer(work: () => unknown): void;
}

export class SessionOfRequest implements RequestSession {
  readonly #worker: WorkerSessions;
  readonly #request: SessionRequest;
  #open: Promise<OpenSession> | undefined;
  #opened: OpenSession | undefined;
  #peeked: Promise<Readonly<Record<string, unknown>> | undefined> | undefined;
  /** Its session was read, but not opened, and comes to an end. */
  #toTouch: { readonly key: string; readonly expiresAt: number } | undefined;
  #attached = false;
  /** The handler has answered: what it changed is to stay. */
  #answered = false;
  /** Nothing is opened any more. */
  #isOver = false;
  #cancelPatience = (): void => {};
  #isStale = false;

  constructor(worker: WorkerSessions, request: SessionRequest) {
    this.#worker = worker;
    this.#request = request;
  }

  open<Data extends object>(): Promise<Session<Data>> {
    this.#open ??= this.#find();
    return this.#open as Promise<Session<object>> as Promise<Session<Data>>;
  }

  peek<Data extends object>(): Promise<Readonly<Partial<Data>> | undefined> {
    return this.#peek() as Promise<Readonly<Partial<Data>> | undefined>;
  }

  async #peek(): Promise<Readonly<Record<string, unknown>> | undefined> {
    const opened = await this.#open;
    if (opened !== undefined) return opened.isAbsent ? undefined : Object.freeze({ ...opened.data });
    this.#peeked ??= this.#look();
    return this.#peeked;
  }

  async #find(): Promise<OpenSession> {
    if (this.#isOver) throw isClosed();
    this.#attach();
    const opened = await this.#worker.store();
    const found = await this.#foundIn(opened);
    if (this.#isOver) {
      if (typeof found !== "string") await found.held?.release();
      throw isClosed();
    }
    const session = new OpenSession(this.#keeping(opened), found);
    this.#bePatient(session, opened);
    if (this.#request.isHeadSent) {
      // The hook does not come any more.
      session.takeCookie();
      this.#answered = true;
    }
    this.#opened = session;
    return session;
  }

  async #foundIn(opened: OpenedStore): Promise<FoundSession | "none" | "moved"> {
    const presented = this.#presented();
    if (presented === undefined) return "none";
    const key = keyOf(presented.id);
    const claimed = this.#worker.options.lock ? await opened.claims.claim(key, this.#request.signal) : undefined;
    const stored = this.#worker.options.lock ? claimed?.stored : await opened.store.read(key);
    const found = stored === undefined ? "none" : this.#judged(stored, presented.id);
    if (typeof found !== "string") return { ...found, held: claimed?.held };
    await claimed?.held.release();
    return found;
  }

  async #look(): Promise<Readonly<Record<string, unknown>> | undefined> {
    const presented = this.#presented();
    if (presented === undefined) return undefined;
    this.#attach();
    const { store } = await this.#worker.store();
    const key = keyOf(presented.id);
    const stored = await store.read(key);
    const found = stored === undefined ? "none" : this.#judged(stored, presented.id);
    if (typeof found === "string") return undefined;
    const { idleTimeoutMs, maxAgeMs } = this.#worker.options;
    const next = endOf({ now: this.#worker.now(), createdAt: found.record.createdAt, idleTimeoutMs, maxAgeMs });
    if (isWorthTouching(found.expiresAt, next, idleTimeoutMs)) this.#toTouch = { key, expiresAt: next };
    return Object.freeze({ ...found.record.data });
  }

  /** A handler that goes on after its deadline, perhaps for ever, must not keep the session from the visitor. */
  #bePatient(session: OpenSession, { claims }: Pick<OpenedStore, "claims">): void {
    const { signal, deadline, log } = this.#request;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#cancelPatience = claims.afterLease(deadline, () => {
      // A long reply that somebody takes is none.
      if (!signal.aborted) return this.#bePatient(session, { claims });
      log("warn", "a handler has gone on after its deadline: its session is closed without what it has changed");
      return session.end(true);
    });
  }

  #presented(): { readonly id: string } | undefined {
    const presented = this.#worker.cookie.read(this.#request.params);
    this.#isStale = presented?.isStale === true;
    return presented;
  }

  #judged({ text, expiresAt }: Stored, id: string): Omit<FoundSession, "held"> | "none" | "moved" {
    const record = readRecord(text);
    if (record === undefined) {
      this.#request.log("error", "a stored session cannot be read; the visitor gets a new one", {
        key: keyOf(id).slice(0, 8),
      });
      return "none";
    }
    if (record.kind === "moved") return "moved";
    // The option may be less than it was when the session was stored.
    if (record.createdAt + this.#worker.options.maxAgeMs <= this.#worker.now()) return "none";
    return { id, record, text, expiresAt };
  }

  #keeping({ store, claims }: OpenedStore): SessionKeeping {
    const { idleTimeoutMs, maxAgeMs, maxBytes, lock } = this.#worker.options;
    const { now } = this.#worker;
    return { store, claims, now, idleTimeoutMs, maxAgeMs, maxBytes, lock, log: this.#request.log };
  }

  #attach(): void {
    if (this.#attached) return;
    this.#attached = true;
    if (!this.#request.isHeadSent) {
      this.#request.beforeReply((reply) => this.#beforeReply(reply));
      // What the handler itself has saved, or destroyed, stays so.
      this.#request.beforeFailure(() => this.#opened && this.#setCookie(this.#opened));
    }
    this.#request.defer(() => this.#afterReply());
  }

  async #beforeReply({ headers }: ReplyHead): Promise<void> {
    const session = this.#opened;
    if (session !== undefined) {
      // Events may go on for hours.
      if (headers.get("content-type")?.startsWith("text/event-stream") === true) await session.close();
      else await session.save();
    }
    this.#answered = true;
    const cookie = this.#setCookie(session);
    if (cookie !== undefined) headers.append("set-cookie", cookie);
    // What was made for one visitor is not for a cache that others use [RFC 9111 §5.2.2.7].
    if (!headers.has("cache-control")) headers.set("cache-control", cookie === undefined ? "private" : "no-store");
  }

  #setCookie(session: OpenSession | undefined): string | undefined {
    const { cookie, options } = this.#worker;
    const { params } = this.#request;
    const wanted = session?.takeCookie();
    if (wanted === "remove") return cookie.remove(params);
    if (session === undefined || session.isAbsent) return undefined;
    if (wanted === undefined && !this.#isStale) return undefined;
    return cookie.write(params, session.id, options.cookiePersistent ? session.restMs : undefined);
  }

  async #afterReply(): Promise<void> {
    this.#isOver = true;
    // It may still be waiting for its lock.
    const session = await this.#open?.catch(() => undefined);
    this.#cancelPatience();
    await session?.end(!this.#answered);
    if (this.#toTouch === undefined || session !== undefined) return;
    const { store } = await this.#worker.store();
    await store.touch(this.#toTouch.key, this.#toTouch.expiresAt);
  }
}
