// Workers that end before they are of use: how many in a row, and when the next one may be tried. Only
// lives that ended before they were ready, or before their first completed exchange, are told of
// here; whoever dies later is replaced at once. Never gives up. Reads no clock.

import { type BackoffPolicy, backoffMs, RESPAWN_BACKOFF } from "../base/backoff.ts";
import type { Instant } from "../base/clock.ts";

/** A life that was of no use. */
export interface FailedLife {
  readonly startedAt: Instant;
  readonly endedAt: Instant;
}

export class CrashLoop {
  readonly #policy: BackoffPolicy;
  readonly #random: () => number;
  #failures = 0;
  #failedAt: Instant = Number.NEGATIVE_INFINITY;
  #retryAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(policy: BackoffPolicy = RESPAWN_BACKOFF, random: () => number = Math.random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** In a row; 0: all is well. */
  get failures(): number {
    return this.#failures;
  }

  /** When the last failure that counted happened; whoever started later says whether it goes on. */
  get failedAt(): Instant {
    return this.#failedAt;
  }

  /** Nobody is to be started before then. */
  get retryAt(): Instant {
    return this.#retryAt;
  }

  failed({ startedAt, endedAt }: FailedLife): void {
    // Those that were started together fail together: that is one failure.
    if (this.#failures > 0 && startedAt < this.#failedAt) return;
    // Failures so far apart are not failures in a row.
    if (endedAt - this.#failedAt > 2 * this.#policy.maxMs) this.#failures = 0;
    this.#failures++;
    this.#failedAt = endedAt;
    this.#retryAt = endedAt + backoffMs(this.#failures, this.#random(), this.#policy);
  }

  /** Somebody who started after the last failure was of use. */
  healed(): void {
    this.#failures = 0;
    this.#retryAt = Number.NEGATIVE_INFINITY;
  }
}
