// Stands in a worker for the cache and the locks of its pool until a handler uses them: only then is
// anything of them loaded.

import type { Cache, LockOptions } from "../src/app/shared.ts";
import { onDemand } from "../src/base/on-demand.ts";
import { encode } from "./cached-value.ts";
import type { PoolState } from "./pool-state.ts";

const locks = onDemand(() => import("./locks.ts"));

const caches = new WeakMap<PoolState, Cache>();

/** There is one for each worker. */
export function cacheOf(state: PoolState): Cache {
  const present = caches.get(state);
  if (present !== undefined) return present;
  const made = lazyCache(state);
  caches.set(state, made);
  return made;
}

/** An author's lock, whose name is apart from those of our own parts. */
export async function lockOf<T>(
  state: PoolState,
  written: string,
  work: () => T | PromiseLike<T>,
  options?: LockOptions,
): Promise<T> {
  const { lockName, underLock } = await locks();
  return underLock(state, lockName(written), work, options);
}

function lazyCache(state: PoolState): Cache {
  const cache = onDemand(async () => {
    const { PoolCache } = await import("./cache.ts");
    return new PoolCache(state);
  });
  return {
    get: async (key) => (await cache()).get(key),
    has: async (key) => (await cache()).has(key),
    // What is kept is what the value was at the call; its owner may change it from then on.
    set: async (key, value, options) => {
      const bytes = encode(key, value);
      return (await cache()).setBytes(key, bytes, options);
    },
    delete: async (key) => (await cache()).delete(key),
    increment: async (key, by, options) => (await cache()).increment(key, by, options),
    compareAndSet: async (key, expected, value, options) => {
      const next = encode(key, value);
      const present = expected === undefined ? undefined : encode(key, expected);
      return (await cache()).compareAndSetBytes(key, present, next, options);
    },
    remember: async (key, options, make) => (await cache()).remember(key, options, make),
    clear: async (prefix) => (await cache()).clear(prefix),
  };
}
