// Holding a session: waiting until nobody else does, keeping hold of it, letting go.

import { randomBytes } from "node:crypto";
import type { Clock, Instant } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Lease, SessionStore, Stored } from "./store.ts";
import { Turns } from "./turns.ts";

export interface ClaimsOptions {
  readonly store: SessionStore;
  /** session.lock_timeout */
  readonly waitMs: number;
  /** session.lock_lease */
  readonly leaseMs: number;
  readonly clock: Clock;
  /** A lease could not be renewed; what is not known is not lost yet. */
  readonly trouble: (error: unknown) => void;
}

/** A session that is held by one request. */
export interface Held {
  readonly lease: Lease;
  /** Never rejects: whoever lets go has done with it, and a lease ends by itself. */
  release(): Promise<void>;
}

/** How often a lease is renewed in its time. */
const RENEWALS = 3;
/** Between two looks at a session that another holds, ms; each pause is longer than the one before it. */
const PAUSE_MS = 4;
const PAUSE_MS_MAX = 100;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #turns: Turns;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#turns = new Turns(options.clock);
  }

  /**
   * Reads and holds it; undefined: there is no such session. Rejects with OVERLOAD where it was not free in time,
   * and with the signal's reason.
   */
  async claim(key: string, signal: AbortSignal): Promise<{ stored: Stored; held: Held } | undefined> {
    const { clock, waitMs } = this.#options;
    const until = clock.now() + waitMs;
    const endTurn = await this.#turns.take(key, until, signal);
    if (endTurn === undefined) throw this.#late();
    const lease = this.newLease();
    try {
      const stored = await this.#claimBefore(key, lease, until, signal);
      if (stored === undefined) {
        endTurn();
        return undefined;
      }
      return { stored, held: this.held(key, lease, endTurn) };
    } catch (error) {
      endTurn();
      // It may have been granted all the same. A store that cannot be told so now ends it with the lease.
      if (!isLate(error)) this.#options.store.release(key, lease).catch(() => {});
      throw error;
    }
  }

  newLease(): Lease {
    return { token: randomBytes(16).toString("hex"), ms: this.#options.leaseMs };
  }

  /** Calls `fn` when a lease that is not renewed from `at` on, or from now on, has ended. Returns what cancels it. */
  afterLease(at: Instant, fn: () => void): () => void {
    const { clock, leaseMs } = this.#options;
    return clock.at(Math.max(at, clock.now()) + leaseMs, fn);
  }

  /** Keeps hold of what was claimed, or created, with this lease. */
  held(key: string, lease: Lease, over: () => void = () => {}): Held {
    const stop = this.#renewing(key, lease);
    return {
      lease,
      release: async () => {
        stop();
        await this.#release(key, lease);
        over();
      },
    };
  }

  async #claimBefore(key: string, lease: Lease, until: number, signal: AbortSignal): Promise<Stored | undefined> {
    const { store, clock } = this.#options;
    if (store.wait !== undefined) {
      const claimed = await store.wait(key, lease, Math.max(0, until - clock.now()));
      if (claimed === "held") throw this.#late();
      if (signal.aborted) throw signal.reason;
      return claimed;
    }
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 1.5, PAUSE_MS_MAX)) {
      const claimed = await store.claim(key, lease);
      if (claimed !== "held") return claimed;
      const at = clock.now() + pause * (0.5 + Math.random());
      if (at > until) throw this.#late();
      await paused(clock, at, signal);
    }
  }

  /** A failure is told, and then it is left to end by itself. */
  async #release(key: string, lease: Lease): Promise<void> {
    await this.#options.store.release(key, lease).catch(this.#options.trouble);
  }

  /** Returns what ends it. */
  #renewing(key: string, lease: Lease): () => void {
    const { store, clock, trouble } = this.#options;
    const { renew } = store;
    if (renew === undefined) return () => {};
    let stopped = false;
    let cancel = (): void => {};
    const next = (): void => {
      cancel = clock.at(clock.now() + lease.ms / RENEWALS, () => {
        renew.call(store, key, lease).then(
          // Whoever saves with a lease that is lost is told then.
          (isHeld) => isHeld && !stopped && next(),
          (error: unknown) => {
            trouble(error);
            if (!stopped) next();
          },
        );
      });
    };
    next();
    return () => {
      stopped = true;
      cancel();
    };
  }

  #late(): Fault {
    return new Fault("OVERLOAD", `another request has held the session for ${this.#options.waitMs} ms`, {
      hint: "See session.lock_timeout. A reply that takes long should close() its session; one that only reads can peek().",
    });
  }
}

function isLate(error: unknown): boolean {
  return error instanceof Fault && error.code === "OVERLOAD";
}

function paused(clock: Clock, at: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const aborted = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.at(at, () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    signal.addEventListener("abort", aborted, { once: true });
  });
}
