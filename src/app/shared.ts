// What the workers of a pool share, as a handler author sees it: a cache and locks. Types only.

/** Milliseconds, or a number with its unit: `"250ms"`, `"30s"`, `"5m"`, `"12h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** Of an entry of the cache. */
export interface CacheOptions {
  /** How long the entry lives. Default: until it has to make room, see `cache.memory`. */
  readonly ttl?: Duration;
}

/** Of an entry that is made where it is missing. */
export interface RememberOptions extends CacheOptions {
  /** How long to wait for another request that makes the same value. Default: 10 s. */
  readonly wait?: Duration;
}

/**
 * Values by key, shared by all workers of a pool process; kept in memory, within `cache.memory`. What was used
 * least recently makes room at any time: keep nothing here that cannot be made again.
 *
 * Values are copied in and out, as by `structuredClone` (https://html.spec.whatwg.org/#structuredserialize): whoever
 * gets one has it alone. Instances of classes become plain objects; functions are refused. A key has up to 4,096
 * bytes, a value up to `cache.value_limit`. Methods reject with a Fault: HANDLER for what cannot be kept, OVERLOAD (503)
 * where the pool has no answer in time.
 */
export interface Cache {
  /** undefined: there is nothing under this key, or no longer. */
  get<T = unknown>(key: string): Promise<T | undefined>;
  /** Whether there is an entry; it may be gone by the next call. */
  has(key: string): Promise<boolean>;
  /** Puts `value`, anything but undefined, in the place of what is there. */
  set(key: string, value: unknown, options?: CacheOptions): Promise<void>;
  /** True: it was there. */
  delete(key: string): Promise<boolean>;
  /**
   * Adds `by` (default 1) to a number, as one step, and resolves with the sum. Without one there it begins at 0,
   * and lives for `ttl`; the time of one that is there goes on.
   */
  increment(key: string, by?: number, options?: CacheOptions): Promise<number>;
  /**
   * Puts `value` in the place of what is there if that equals `expected`, as `assert.deepStrictEqual` compares;
   * undefined: if nothing is there. False: something else is there.
   */
  compareAndSet(key: string, expected: unknown, value: unknown, options?: CacheOptions): Promise<boolean>;
  /**
   * What is there; else what `make` returns, which is then there. Of all requests of all workers that ask at the same
   * time one calls its `make`; the others wait for it. Its error is theirs too, within the same worker. A value
   * that is too long, or undefined, is returned and not kept.
   */
  remember<T>(key: string, options: RememberOptions, make: () => T | PromiseLike<T>): Promise<T>;
  /** Deletes every key that begins with `prefix` (default: every key); resolves with their number. */
  clear(prefix?: string): Promise<number>;
}

/** Of a lock. */
export interface LockOptions {
  /** How long to wait for it; then the promise rejects with Fault OVERLOAD (503). Default: 10 s. */
  readonly wait?: Duration;
  /** How long it may be held while others wait; then the next one has it, and the log says so. Default: 5 minutes. */
  readonly hold?: Duration;
}

/**
 * Calls `work` while no other request of any worker of this pool process runs under a lock of this name, and
 * resolves as it does. Who came first is first. Inside of `work` the same name is had already. A worker that
 * dies lets go of its locks.
 */
export type LockFunction = <T>(name: string, work: () => T | PromiseLike<T>, options?: LockOptions) => Promise<T>;
