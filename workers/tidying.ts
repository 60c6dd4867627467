// A worker's start leaves behind what V8 keeps only because it may be needed again: some 4 MiB of the 17 that a bare
// worker takes. They are given back once, when nobody waits; a collection of what an app holds later may take long.

import type { Clock } from "../src/base/clock.ts";
import { giveBackMemory } from "../src/base/collect.ts";

/** How often it is looked whether requests come. */
export const LOOK_MS = 1000;
/** Looks in a row at which nothing had happened; less than the pool's own (src/pool/tidying.ts), which follows. */
export const QUIET_LOOKS = 5;
/** A larger heap is left alone: this thread would stand still for too long. */
export const HEAP_BYTES_MAX = 64 * 1024 * 1024;

/** What a worker does. */
export interface Activity {
  /** Requests that are open. */
  readonly open: number;
  /** Requests that ever came. */
  readonly begun: number;
}

export interface TidyingOptions {
  readonly clock: Clock;
  readonly activity: () => Activity;
  /** Default: this thread's. */
  readonly heapBytes?: () => number;
  readonly collect?: () => void;
}

/** To be called when the worker is ready. Ends by itself, or when the returned function is called. */
export function tidyOnce(options: TidyingOptions): () => void {
  const { clock, activity, heapBytes = ownHeapBytes, collect = giveBackMemory } = options;
  let last = activity().begun;
  let quiet = 0;
  const wait = (): (() => void) => clock.at(clock.now() + LOOK_MS, look);
  const look = (): void => {
    const { open, begun } = activity();
    quiet = open === 0 && begun === last ? quiet + 1 : 0;
    last = begun;
    if (quiet < QUIET_LOOKS) cancel = wait();
    else if (heapBytes() <= HEAP_BYTES_MAX) collect();
  };
  let cancel = wait();
  return () => cancel();
}

function ownHeapBytes(): number {
  return process.memoryUsage().heapUsed;
}
