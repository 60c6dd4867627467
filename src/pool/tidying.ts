// Gives memory back to the system that starting left behind, and that ended threads used: V8 keeps
// their pages for the next thread, and lets go of them only in its most thorough collection. That
// stops this thread for some 20 ms, so it is done when nobody is waiting.

import { giveBackMemory } from "../base/collect.ts";

/**
 * Looks in a row at which nothing had happened. V8 does not let go of a page that was given up within
 * the last 8 s (--memory-pool-timeout), and notices that it was not up to 3 s later.
 */
export const QUIET_LOOKS = 12;

/** What a pool is doing at one moment. */
export interface Activity {
  /** Threads of workers that exist. */
  readonly threads: number;
  /** Requests that are open. */
  readonly open: number;
  /** Requests that ever came. */
  readonly accepted: number;
}

export class Tidying {
  readonly #collect: () => void;
  #last: Activity | undefined;
  /** The start leaves something behind. */
  #isDue = true;
  #quiet = 0;

  constructor(collect: () => void = giveBackMemory) {
    this.#collect = collect;
  }

  /** To be called once a second. */
  look(now: Activity): void {
    const last = this.#last ?? now;
    this.#last = now;
    if (now.threads < last.threads) this.#isDue = true;
    const isQuiet = now.open === 0 && now.accepted === last.accepted && now.threads === last.threads;
    this.#quiet = isQuiet ? this.#quiet + 1 : 0;
    if (!this.#isDue || this.#quiet < QUIET_LOOKS) return;
    this.#isDue = false;
    this.#collect();
  }
}
