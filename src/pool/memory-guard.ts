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
  /** How often it was weighed: one that computes may be weighed late. */
  readonly weighings: number;
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
  /** Were over the limit when last weighed, by that weighing: a peak that is collected in time is nobody's death. */
  #suspects = new Map<W, number>();
  readonly #told = new WeakSet<W>();

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** Those that were over the limit each of two times that they were weighed. To be called often: most calls do nothing. */
  over(workers: Iterable<W>): readonly W[] {
    const { memoryLimitBytes, clock, residentBytes = process.memoryUsage.rss } = this.#options;
    const now = clock.now();
    if (now - this.#lookedAt < GUARD_MS) return [];
    this.#lookedAt = now;
    const limit = memoryLimitBytes + GUARD_HEADROOM_BYTES;
    const resident = residentBytes();
    this.#weighedAtBytes = Math.min(this.#weighedAtBytes, resident);
    const before = this.#suspects;
    this.#suspects = new Map();
    // No worker holds more than the process.
    if (resident < limit) return [];
    const grown = resident - this.#weighedAtBytes >= memoryLimitBytes * GROWTH_SHARE;
    if (grown) this.#weighedAtBytes = resident;
    const over: W[] = [];
    for (const worker of workers) {
      if (this.#told.has(worker)) continue;
      const suspect = worker.memoryBytes >= limit;
      const since = before.get(worker) ?? worker.weighings;
      if (suspect && worker.weighings !== since) {
        this.#told.add(worker);
        over.push(worker);
        continue;
      }
      if (suspect) this.#suspects.set(worker, since);
      if (suspect || grown) worker.weigh();
    }
    return over;
  }
}
