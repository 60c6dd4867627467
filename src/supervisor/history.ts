// What the deaths of a pool's processes mean for the next one: at once, or after a pause that grows
// while they do not live long enough to be of use. Pure.

import { backoffMs } from "../base/backoff.ts";
import type { Instant } from "../base/clock.ts";
import type { FaultData } from "../base/fault.ts";

/** A process that was ready for this long was no failed start, also if nobody asked it for anything, ms. */
export const PROVEN_AFTER_MS = 1000;

export interface PoolHistory {
  /** Whether all its processes were ready once: from then on a failure is waited out, not reported as a failed start. */
  readonly complete: boolean;
  /** Lives in a row that ended before they were of use. */
  readonly failures: number;
  /** No new process before then. */
  readonly retryAt: Instant;
  /** Processes started in place of ones that died. */
  readonly restarts: number;
  readonly lastFault: FaultData | undefined;
}

export const NO_HISTORY: PoolHistory = {
  complete: false,
  failures: 0,
  retryAt: 0,
  restarts: 0,
  lastFault: undefined,
};

/** One process from start to end. */
export interface Life {
  readonly readyAt: Instant | undefined;
  readonly goneAt: Instant;
  /** Whether it has answered a request. */
  readonly proven: boolean;
  /** Whether it was asked to go, and so says nothing about the pool's health. */
  readonly asked: boolean;
  readonly fault: FaultData | undefined;
}

/** `random` in [0, 1) spreads the pause, so that pools do not all start at the same moment. */
export function afterLife(history: PoolHistory, life: Life, random: number): PoolHistory {
  if (life.asked) return history;
  const proven = life.proven || (life.readyAt !== undefined && life.goneAt - life.readyAt >= PROVEN_AFTER_MS);
  const failures = proven ? 0 : history.failures + 1;
  return {
    ...history,
    failures,
    retryAt: life.goneAt + backoffMs(failures, random),
    restarts: history.restarts + 1,
    lastFault: life.fault ?? history.lastFault,
  };
}
