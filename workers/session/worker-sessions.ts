// What all sessions of a worker share: the store, opened when the first session is, the rules by which they
// live, and the sweeping of what has expired.

import type { Clock } from "../../src/base/clock.ts";
import { type LogLevel, messageOf } from "../../src/base/fault.ts";
import type { PoolConfig } from "../../src/config/schema.ts";
import { Keys } from "../keys.ts";
import type { PoolState } from "../pool-state.ts";
import { Claims } from "./claims.ts";
import { SessionCookie } from "./cookie.ts";
import { within } from "./deadline.ts";
import { GuardedStore } from "./guarded-store.ts";
import type { SessionStore } from "./store.ts";
import { openStore } from "./stores/index.ts";
import { type WallClock, wallClock } from "./wall-clock.ts";

/** What a pool tells its workers of sessions; plain data. */
export interface SessionBoot {
  readonly options: PoolConfig["session"];
  readonly pool: string;
  readonly mount: string;
  readonly cookieSecrets: readonly string[];
  /** Processes that the pool has: what one keeps in memory, the others do not see. */
  readonly processes: number;
  /** Where packages are looked for first: a file or folder of the app. */
  readonly from: string;
}

export interface WorkerSessionsOptions extends SessionBoot {
  readonly poolState: PoolState | undefined;
  readonly clock: Clock;
  readonly wallClock?: WallClock;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Calls it as nobody's request: what it begins must not keep, nor speak for, the one that came first. */
  readonly outside: <T>(work: () => T) => T;
  /** For tests. Default: what the options name. */
  readonly store?: SessionStore;
}

export interface OpenedStore {
  readonly store: SessionStore;
  readonly claims: Claims;
}

/** Between two sweeps of one worker, ms; each pause is a random part longer, so that they spread. */
const SWEEP_EVERY_MS = 60_000;
/** The same, where there is more to be swept. */
const SWEEP_ON_MS = 200;

export class WorkerSessions {
  readonly options: PoolConfig["session"];
  readonly cookie: SessionCookie;
  readonly now: WallClock;
  readonly #own: WorkerSessionsOptions;
  #opened: Promise<OpenedStore> | undefined;
  #cancelSweep = (): void => {};
  #closed = false;

  constructor(own: WorkerSessionsOptions) {
    this.#own = own;
    this.options = own.options;
    this.now = own.wallClock ?? wallClock;
    this.cookie = new SessionCookie({
      name: own.options.cookie,
      mount: own.mount,
      sameSite: own.options.sameSite,
      keys: own.cookieSecrets.length === 0 ? undefined : new Keys(own.cookieSecrets),
      namespace: this.namespace,
    });
  }

  get namespace(): string {
    return this.#own.options.namespace ?? this.#own.pool;
  }

  /** The store; one that could not be opened is tried again by whoever asks next. */
  store(): Promise<OpenedStore> {
    this.#opened ??= this.#own.outside(() => this.#open());
    const opened = this.#opened;
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }

  /** To be called when no request is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep();
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.store.close();
  }

  async #open(): Promise<OpenedStore> {
    const { clock, options, log } = this.#own;
    const ms = options.storeTimeoutMs;
    const store = this.#own.store ?? (await this.#openWithin(ms));
    const guarded = new GuardedStore(store, { clock, ms });
    const claims = new Claims({
      store: guarded,
      waitMs: options.lockTimeoutMs,
      leaseMs: options.lockLeaseMs,
      clock,
      trouble: (error) => log("warn", "a session's lock could not be looked after", { reason: messageOf(error) }),
    });
    this.#sweepLater(guarded);
    return { store: guarded, claims };
  }

  #openWithin(ms: number): Promise<SessionStore> {
    const { clock, options } = this.#own;
    const opening = this.#openStore();
    // Whoever asks next opens another.
    const late = (): void => void opening.then((store) => store.close()).catch(() => {});
    return within(() => opening, { clock, ms, store: options.store, late });
  }

  #openStore(): Promise<SessionStore> {
    const { options, processes, from, poolState, log } = this.#own;
    const { namespace, now } = this;
    return openStore({ options, namespace, processes, from, poolState, now, log });
  }

  #sweepLater(store: SessionStore, pauseMs = SWEEP_EVERY_MS): void {
    const { sweep } = store;
    if (sweep === undefined || this.#closed) return;
    const { clock, log } = this.#own;
    const failed = (error: unknown): boolean => {
      log("warn", "expired sessions could not be removed", { reason: messageOf(error) });
      return false;
    };
    this.#cancelSweep = clock.at(clock.now() + pauseMs * (1 + Math.random()), () => {
      sweep
        .call(store)
        .catch(failed)
        .then((isMore) => this.#sweepLater(store, isMore ? SWEEP_ON_MS : SWEEP_EVERY_MS));
    });
  }
}
