// Looks at the workers that serve from time to time, and finds who has done enough (recycling.ts). What
// becomes of one that has is the workforce's.

import type { Clock, Instant } from "../base/clock.ts";
import type { ThreadCount } from "../config/thread-count.ts";
import { isOverMemory, type LifeSpan, MEMORY_REST_MS, reasonToRecycle } from "./recycling.ts";

/** How often age, memory and idleness are looked at, at most, ms. */
export const LOOK_MS = 1000;
/** …and how many times within an idle timeout that is shorter, but never more often than this, ms. */
const LOOKS_PER_IDLE_TIMEOUT = 4;
const LOOK_LEAST_MS = 10;

/** What is looked at in a worker. */
export interface CheckedWorker {
  readonly state: string;
  readonly startedAt: Instant;
  readonly served: number;
  readonly memoryBytes: number;
  readonly span: LifeSpan;
  /** Has `memoryBytes` brought up to date soon. */
  weigh(): void;
}

export interface CheckupsOptions<W extends CheckedWorker> {
  readonly clock: Clock;
  readonly threads: ThreadCount;
  /** recycle.max_memory; 0: no limit. */
  readonly maxMemoryBytes: number;
  /** Those that serve, or will as soon as they are ready. */
  readonly workers: Iterable<W>;
  /** False: it is being replaced already. */
  readonly recycle: (worker: W, reason: string) => boolean;
  /** All were looked at. */
  readonly looked: () => void;
}

export class Checkups<W extends CheckedWorker> {
  readonly #options: CheckupsOptions<W>;
  readonly #everyMs: number;
  #memoryRestUntil: Instant = Number.NEGATIVE_INFINITY;
  #cancel = () => {};
  #ended = false;

  constructor(options: CheckupsOptions<W>) {
    const { min, max, idleTimeoutMs } = options.threads;
    const idleLookMs = Math.max(LOOK_LEAST_MS, idleTimeoutMs / LOOKS_PER_IDLE_TIMEOUT);
    this.#options = options;
    this.#everyMs = min < max ? Math.min(LOOK_MS, idleLookMs) : LOOK_MS;
  }

  /** Looks at all of them, again and again, until `end`. */
  begin(): void {
    if (this.#ended) return;
    const { clock, workers, looked } = this.#options;
    this.#cancel = clock.at(clock.now() + this.#everyMs, () => {
      for (const worker of workers) {
        // What it weighs is known at the next look.
        this.look(worker);
        worker.weigh();
      }
      looked();
      this.begin();
    });
  }

  end(): void {
    this.#ended = true;
    this.#cancel();
  }

  /** Has the worker recycled if it has done enough. */
  look(worker: W): void {
    if (worker.state !== "idle") return;
    const { clock, recycle } = this.#options;
    const now = clock.now();
    const maxMemoryBytes = now < this.#memoryRestUntil ? 0 : this.#options.maxMemoryBytes;
    const life = { requests: worker.served, ageMs: now - worker.startedAt, memoryBytes: worker.memoryBytes };
    const reason = reasonToRecycle(life, worker.span, maxMemoryBytes);
    if (reason === undefined || !recycle(worker, reason)) return;
    if (isOverMemory(life, maxMemoryBytes)) this.#memoryRestUntil = now + MEMORY_REST_MS;
  }
}
