// memory_limit for what V8 does not count: buffers, WebAssembly memory. Looks at the process, which is
// cheap, and has its workers weighed when it has grown; a thread is weighed from outside, also while it
// computes. Knows no threads: who is over the limit is ended by the staff.

import type { Clock, Instant } from "../base/clock.ts";

/** How often the process is looked at, at most, ms. */
export const GUARD_MS = 100;
/** Beyond memory_limit: V8's young generation, and buffers that its collector has not come to yet. */
export const GUARD_HEADROOM_BYTES = 64 * 1024 * 1024;
/** Workers are weighed when the process has grown by this share of memory_limit. */
const GROWTH_SHARE = 1 / 8;

/** What is needed of a worker. */
export interface GuardedWorker {
  /** Heap and buffers, when it was weighed last. */
  readonly memoryBytes: number;
  /** Has `memoryBytes` brought up to date soon. */
  weigh(): void;
}

export interface MemoryGuardOptions {
  readonly memoryLimitBytes: number;
  readonly clock: Clock;
  /** Default: this process's. */
  readonly residentBytes?: () => number;
}

export class MemoryGuard<W extends GuardedWorker & object> {
  readonly #options: MemoryGuardOptions;
  #lookedAt: Instant = Number.NEGATIVE_INFINITY;
  #weighedAtBytes = 0;
  /** Were over the limit at the last look: a peak that is collected in time is nobody's death. */
  #suspects = new Set<W>();
  readonly #told = new WeakSet<W>();

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** Those that have been over the limit twice, each once. To be called often: most calls do nothing. */
  over(workers: Iterable<W>): readonly W[] {
    const { memoryLimitBytes, clock, residentBytes = process.memoryUsage.rss } = this.#options;
    const now = clock.now();
    if (now - this.#lookedAt < GUARD_MS) return [];
    this.#lookedAt = now;
    const limit = memoryLimitBytes + GUARD_HEADROOM_BYTES;
    const resident = residentBytes();
    this.#weighedAtBytes = Math.min(this.#weighedAtBytes, resident);
    const before = this.#suspects;
    this.#suspects = new Set();
    // No worker holds more than the process.
    if (resident < limit) return [];
    const grown = resident - this.#weighedAtBytes >= memoryLimitBytes * GROWTH_SHARE;
    if (grown) this.#weighedAtBytes = resident;
    const over: W[] = [];
    for (const worker of workers) {
      if (this.#told.has(worker)) continue;
      const suspect = worker.memoryBytes >= limit;
      if (suspect && before.has(worker)) {
        this.#told.add(worker);
        over.push(worker);
        continue;
      }
      if (suspect) this.#suspects.add(worker);
      if (suspect || grown) worker.weigh();
    }
    return over;
  }
}
