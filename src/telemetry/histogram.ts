// Counts durations in buckets that are as wide as a sixty-fourth of their values, so that a quantile is right
// to two significant digits from a microsecond to an hour, in a fixed amount of memory. `record` allocates
// nothing.

/** Buckets per power of two. */
const STEPS = 64;
const STEP_BITS = 6;
/** Longer durations count as this long: 71 minutes. */
const MAX_MICROS = 2 ** 32 - 1;
const BUCKETS = bucketOf(MAX_MICROS) + 1;

/** What a histogram says of itself; plain data, milliseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  record(ms: number): void {
    const micros = ms > 0 ? Math.min(ms * 1000, MAX_MICROS) >>> 0 : 0;
    const bucket = bucketOf(micros);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  add(other: Histogram): void {
    if (other.#count === 0) return;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#counts.fill(0);
    this.#count = 0;
    this.#sumMs = 0;
    this.#maxMs = 0;
  }

  /** The duration that a share `q` (0 to 1) of all do not pass; 0 if there are none. */
  quantile(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(endOf(bucket) / 1000, this.#maxMs);
    }
    return this.#maxMs;
  }

  quantiles(): Quantiles {
    return {
      count: this.#count,
      p50Ms: this.quantile(0.5),
      p95Ms: this.quantile(0.95),
      p99Ms: this.quantile(0.99),
      maxMs: this.#maxMs,
    };
  }

  /**
   * How many durations are at most as long as each of `boundsMs`, which ascend. One that shares its
   * bucket with a bound may be counted above it.
   */
  cumulative(boundsMs: readonly number[]): readonly number[] {
    let bucket = 0;
    let seen = 0;
    return boundsMs.map((bound) => {
      for (; bucket < BUCKETS && endOf(bucket) <= bound * 1000; bucket++) seen += this.#counts[bucket] ?? 0;
      return seen;
    });
  }
}

/** Below two rows of steps every microsecond has its own bucket; above, each row is twice as wide. */
function bucketOf(micros: number): number {
  if (micros < 2 * STEPS) return micros;
  const shift = 31 - STEP_BITS - Math.clz32(micros);
  return shift * STEPS + (micros >>> shift);
}

/** Microseconds at which a bucket ends. */
function endOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket + 1;
  const shift = (bucket >>> STEP_BITS) - 1;
  return ((bucket & (STEPS - 1)) + STEPS + 1) * 2 ** shift;
}
