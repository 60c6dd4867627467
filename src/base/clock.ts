// The only file that reads a clock or sets a timer for a deadline. Monotonic, so that a change of
// the wall clock fires nothing early or late. Tests pass a FakeClock (test/support/fake-clock.ts).

/** Milliseconds on a monotonic clock; comparable only with others from the same clock. */
export type Instant = number;

export interface Clock {
  now(): Instant;
  /** Calls `fn` once, not before `at`; with Infinity, never. Returns the function that cancels it. */
  at(at: Instant, fn: () => void): () => void;
}

/** Node fires a timer of more than this at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  at(at, fn) {
    // Node fires a timer of n ms no earlier than n ms after the loop's own, slightly older, time.
    const ms = Math.max(0, Math.ceil(at - performance.now()));
    if (ms > TIMER_MS_MAX) return farAway(at, fn);
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** Never, or in so many days that it takes more than one timer. */
function farAway(at: Instant, fn: () => void): () => void {
  if (at === Number.POSITIVE_INFINITY) return () => {};
  let cancel = (): void => clearTimeout(timer);
  const timer = setTimeout(() => {
    cancel = systemClock.at(at, fn);
  }, TIMER_MS_MAX);
  return () => cancel();
}
