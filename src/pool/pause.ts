// The time in which no worker is started, because the last ones were of no use. How long that is, the rule says
// (crash-loop.ts); here are its timer, and the workers by which it sees that the trouble is over.

import type { BackoffPolicy } from "../base/backoff.ts";
import type { Clock, Instant } from "../base/clock.ts";
import { CrashLoop } from "./crash-loop.ts";

export interface PauseOptions {
  readonly clock: Clock;
  readonly backoff: BackoffPolicy | undefined;
  readonly random: (() => number) | undefined;
  /** Those that serve: one that started after the last failure and was of use ends the row of failures. */
  readonly workers: Iterable<{ readonly startedAt: Instant; readonly completed: number }>;
  /** The next one may be tried. */
  readonly over: () => void;
}

export class Pause {
  readonly #options: PauseOptions;
  readonly #crashLoop: CrashLoop;
  #cancel: (() => void) | undefined;

  constructor(options: PauseOptions) {
    this.#options = options;
    this.#crashLoop = new CrashLoop(options.backoff, options.random);
  }

  /** Nobody is to be started just now. */
  get holds(): boolean {
    return this.#cancel !== undefined;
  }

  /** When the next one may be tried; undefined: nothing is held back. */
  get until(): Instant | undefined {
    return this.holds ? this.#crashLoop.retryAt : undefined;
  }

  /** Workers in a row that ended before they were of use; 0: all is well. */
  get failures(): number {
    this.#lookForHealing();
    return this.#crashLoop.failures;
  }

  /** A life that began then was of no use. Holds from now on for `pauseMs`, which may be 0. */
  begin(startedAt: Instant): { readonly failures: number; readonly pauseMs: number } {
    const { clock, over } = this.#options;
    const now = clock.now();
    this.#lookForHealing();
    this.#crashLoop.failed({ startedAt, endedAt: now });
    const pauseMs = Math.max(0, this.#crashLoop.retryAt - now);
    this.#cancel?.();
    this.#cancel = clock.at(now + pauseMs, () => {
      this.#cancel = undefined;
      over();
    });
    return { failures: this.#crashLoop.failures, pauseMs };
  }

  /** Whoever is to be started may be started now, though nothing is known of the trouble. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The trouble is over, and with it the pause. */
  heal(): void {
    this.#crashLoop.healed();
    this.end();
  }

  /** It is not over, but nobody is to be tried any more. */
  close(): void {
    this.#cancel?.();
  }

  #lookForHealing(): void {
    const { failures, failedAt } = this.#crashLoop;
    if (failures === 0) return;
    for (const { startedAt, completed } of this.#options.workers) {
      if (startedAt >= failedAt && completed > 0) this.#crashLoop.healed();
    }
  }
}
