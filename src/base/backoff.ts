// How long to wait before trying again. Pure: jitter comes in as a number.

export interface BackoffPolicy {
  /** Delay after the second failure in a row, ms; the first failure is retried at once. */
  readonly firstMs: number;
  /** No delay is longer than this, ms. */
  readonly maxMs: number;
}

export const RESPAWN_BACKOFF: BackoffPolicy = { firstMs: 1000, maxMs: 60_000 };

/**
 * The delay in ms before the next attempt after `failures` failures in a row: 0, then
 * `firstMs` doubling up to `maxMs`, each spread over its upper half by `random` in [0, 1).
 */
export function backoffMs(failures: number, random: number, policy: BackoffPolicy = RESPAWN_BACKOFF): number {
  if (failures <= 1) return 0;
  const full = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(failures - 2, 30));
  return Math.round(full / 2 + (full / 2) * random);
}
