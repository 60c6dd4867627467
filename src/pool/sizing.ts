// How many workers there are to be: more while requests wait for one, fewer while some have nothing
// to do. Knows no thread and sets no timer; the workforce asks it.

import type { Instant } from "../base/clock.ts";
import type { ThreadCount } from "../config/thread-count.ts";

/** A request that no worker has begun after this time shows that there are too few of them, ms. */
export const PRESSURE_MS = 10;

/** What sizing looks at in a worker that serves. */
export interface SizedWorker {
  /** Requests that it was given; the same number again means that it had nothing to do. */
  readonly served: number;
  readonly open: number;
}

/** The moment as the pool sees it. */
export interface Pressure {
  /** Workers that serve or boot. */
  readonly present: number;
  readonly booting: number;
  /** How long the oldest request that nobody has begun waits, ms; undefined: none waits. */
  readonly oldestWaitMs: number | undefined;
}

interface Rest {
  readonly served: number;
  readonly since: Instant;
}

export class Sizing<W extends SizedWorker = SizedWorker> {
  readonly #threads: ThreadCount;
  readonly #rests = new Map<W, Rest>();
  #wanted: number;
  #saturations = 0;
  #saturated = false;

  constructor(threads: ThreadCount) {
    this.#threads = threads;
    this.#wanted = threads.min;
  }

  /** Workers that should serve now; from `min` to `max`. */
  get wanted(): number {
    return this.#wanted;
  }

  get elastic(): boolean {
    return this.#threads.min < this.#threads.max;
  }

  /** How often requests have begun to wait while there were as many workers as there may be. */
  get saturations(): number {
    return this.#saturations;
  }

  /** Raises `wanted` by one if more workers are needed, one at a time. True: it did. */
  grow({ present, booting, oldestWaitMs }: Pressure): boolean {
    // Whoever waits for the very first one has waited long enough.
    const pressed = oldestWaitMs !== undefined && (present === 0 || oldestWaitMs >= PRESSURE_MS);
    const saturated = pressed && present >= this.#threads.max;
    if (saturated && !this.#saturated) this.#saturations++;
    this.#saturated = saturated;
    if (!pressed || saturated || booting > 0 || present < this.#wanted) return false;
    this.#wanted = present + 1;
    return true;
  }

  /** A worker did not boot: until there is need for more, those that are there have to do. */
  settle(present: number): void {
    this.#wanted = Math.min(this.#threads.max, Math.max(this.#threads.min, present));
  }

  /**
   * One of `workers`, in the order in which they are preferred, that had nothing to do for the idle
   * timeout and is not needed for `min`; `wanted` is lower by one then. To be asked now and then: how
   * often is how exact the time is.
   */
  shrink(workers: readonly W[], now: Instant): W | undefined {
    for (const worker of this.#rests.keys()) if (!workers.includes(worker)) this.#rests.delete(worker);
    let idlest: W | undefined;
    for (const worker of workers) {
      const rest = this.#rests.get(worker);
      if (rest === undefined || worker.open > 0 || rest.served !== worker.served) {
        this.#rests.set(worker, { served: worker.served, since: now });
      } else if (now - rest.since >= this.#threads.idleTimeoutMs) {
        // The last of them: work goes to the first, so it stays warm.
        idlest = worker;
      }
    }
    if (idlest === undefined || workers.length <= this.#threads.min) return undefined;
    this.#rests.delete(idlest);
    this.#wanted = Math.max(this.#threads.min, Math.min(this.#wanted, workers.length) - 1);
    return idlest;
  }
}
