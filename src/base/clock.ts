// The only file that reads a clock or sets a timer for a deadline. Monotonic, so that a change of
// the wall clock fires nothing early or late. Tests pass a FakeClock (test/support/fake-clock.ts).

/** Milliseconds on a monotonic clock; comparable only with others from the same clock. */
export type Instant = number;

export interface Clock {
  now(): Instant;
  /** Calls `fn` once, not before `at`. Returns the function that cancels it. */
  at(at: Instant, fn: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  at(at, fn) {
    // Node fires a timer of n ms no earlier than n ms after the loop's own, slightly older, time.
    const timer = setTimeout(fn, Math.max(0, Math.ceil(at - performance.now())));
    return () => clearTimeout(timer);
  },
};
