// A store whose every answer has a deadline, and whose every failure is a 503 that says which store it was.

import type { Clock } from "../../src/base/clock.ts";
import { within } from "./deadline.ts";
import type { Lease, SessionStore, Stored, Written } from "./store.ts";
import type { WallTime } from "./wall-clock.ts";

export class GuardedStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #ms: number;
  readonly wait?: NonNullable<SessionStore["wait"]>;
  readonly renew?: NonNullable<SessionStore["renew"]>;
  readonly sweep?: NonNullable<SessionStore["sweep"]>;

  /** `ms`: session.store_timeout. */
  constructor(store: SessionStore, { clock, ms }: { readonly clock: Clock; readonly ms: number }) {
    this.#store = store;
    this.#clock = clock;
    this.#ms = ms;
    const { wait, renew, sweep } = store;
    if (wait !== undefined) {
      this.wait = (key, lease, waitMs) => this.#within(() => wait.call(store, key, lease, waitMs), waitMs);
    }
    if (renew !== undefined) this.renew = (key, lease) => this.#within(() => renew.call(store, key, lease));
    if (sweep !== undefined) this.sweep = () => this.#within(() => sweep.call(store));
  }

  get name(): string {
    return this.#store.name;
  }

  read(key: string): Promise<Stored | undefined> {
    return this.#within(() => this.#store.read(key));
  }

  claim(key: string, lease: Lease): Promise<Stored | "held" | undefined> {
    return this.#within(() => this.#store.claim(key, lease));
  }

  release(key: string, lease: Lease): Promise<void> {
    return this.#within(() => this.#store.release(key, lease));
  }

  create(key: string, stored: Stored, lease: Lease | undefined): Promise<void> {
    return this.#within(() => this.#store.create(key, stored, lease));
  }

  update(key: string, stored: Stored, lease: Lease | undefined): Promise<Written> {
    return this.#within(() => this.#store.update(key, stored, lease));
  }

  touch(key: string, expiresAt: WallTime): Promise<boolean> {
    return this.#within(() => this.#store.touch(key, expiresAt));
  }

  destroy(key: string): Promise<void> {
    return this.#within(() => this.#store.destroy(key));
  }

  close(): Promise<void> {
    return this.#within(() => this.#store.close());
  }

  #within<T>(work: () => Promise<T>, moreMs = 0): Promise<T> {
    const late = (): void => this.#store.doubt?.();
    return within(work, { clock: this.#clock, ms: this.#ms + moreMs, store: this.#store.name, late });
  }
}
