// Named locks as an author uses them: around a function, and re-entrant within one request.

import { AsyncLocalStorage } from "node:async_hooks";
import type { LockOptions } from "../src/app/shared.ts";
import { milliseconds } from "./duration.ts";
import { currentExchange } from "./output.ts";
import { LOCK_HOLD_MS, type PoolState } from "./pool-state.ts";

/** How long to wait for a lock, if the asker does not say, ms. */
export const LOCK_WAIT_MS = 10_000;

/** A lock that is held, as seen from inside of its work. */
interface Holding {
  readonly name: string;
  /** Whose request has it: what was started under the lock may be used by another. */
  readonly exchange: unknown;
  over: boolean;
  readonly outer: Holding | undefined;
}

const holdings = new AsyncLocalStorage<Holding>();

/** Whether the code that runs is inside of `underLock` with this name, for the same request. */
export function isHeld(name: string): boolean {
  const exchange = currentExchange.getStore();
  for (let each = holdings.getStore(); each !== undefined; each = each.outer) {
    if (each.name === name && each.exchange === exchange && !each.over) return true;
  }
  return false;
}

/** An author's locks have names apart from those of our own parts. */
export function lockName(written: string): string {
  return `app:${written}`;
}

/** Runs `work` while this worker holds the pool's lock of this name. */
export async function underLock<T>(
  state: PoolState,
  name: string,
  work: () => T | PromiseLike<T>,
  { wait = LOCK_WAIT_MS, hold = LOCK_HOLD_MS }: LockOptions = {},
): Promise<T> {
  const options = { waitMs: milliseconds(wait, "wait", 0), holdMs: milliseconds(hold, "hold") };
  if (isHeld(name)) return await work();
  const release = await state.lock(name, options);
  const outer = holdings.getStore();
  const holding: Holding = { name, exchange: currentExchange.getStore(), over: false, outer };
  try {
    return await holdings.run(holding, async () => await work());
  } finally {
    holding.over = true;
    release();
  }
}
