// What is of use outside of a handler's arguments: the context of the request that is being handled, and what
// the pool's workers share. Works in a worker; elsewhere there is no request, and nothing is shared.

import { Fault } from "../base/fault.ts";
import type { Context } from "./context.ts";
import type { Cache, LockFunction } from "./shared.ts";

/** What a worker lends to the code in it. */
export interface WorkerParts {
  readonly currentContext: () => Context | undefined;
  readonly cache: () => Cache;
  readonly lock: LockFunction;
}

// A folder may have a copy of this package: all copies in a thread find the same worker.
const PARTS = Symbol.for("holdfast.worker");
const realm = globalThis as { [PARTS]?: WorkerParts };

/** To be called once per thread, before any of the author's code. */
export function installParts(parts: WorkerParts): void {
  realm[PARTS] = parts;
}

/**
 * The context of the request on whose behalf this code runs, also after any `await`, timer or callback that its
 * handler started; undefined outside of requests. Its type is yours to name: `currentContext<typeof init>()`.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export function currentContext<State = any>(): Context<State> | undefined {
  return realm[PARTS]?.currentContext() as Context<State> | undefined;
}

function here(): WorkerParts {
  const parts = realm[PARTS];
  if (parts !== undefined) return parts;
  throw new Fault("HANDLER", "there is no pool here whose cache and locks could be used", {
    hint: "Use them in what a pool runs: `holdfast serve`, `start` or `request`.",
  });
}

/** The same as `ctx.cache`, for code that has no context: `init`, timers, libraries. */
export const cache: Cache = {
  get: async (key) => here().cache().get(key),
  has: async (key) => here().cache().has(key),
  set: async (key, value, options) => here().cache().set(key, value, options),
  delete: async (key) => here().cache().delete(key),
  increment: async (key, by, options) => here().cache().increment(key, by, options),
  compareAndSet: async (key, expected, value, options) => here().cache().compareAndSet(key, expected, value, options),
  remember: async (key, options, make) => here().cache().remember(key, options, make),
  clear: async (prefix) => here().cache().clear(prefix),
};

/** The same as `ctx.lock`. */
export const lock: LockFunction = async (name, work, options) => here().lock(name, work, options);
