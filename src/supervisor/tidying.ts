// The supervisor's own memory. It allocates little and for long, and V8 then rather lets the young
// generation grow, by some 50 MiB, than collect thoroughly: to whoever watches it looks like a leak.
// No request waits for the supervisor, so it can stand still for the 20 to 60 ms that this takes.

import type { Clock } from "../base/clock.ts";
import { giveBackMemory } from "../base/collect.ts";

/** How often memory is looked at. */
export const TIDY_EVERY_MS = 10 * 60_000;
/** So much more than after the last time is worth a collection. */
export const GROWN_BYTES = 2 * 1024 * 1024;

export interface TidyingOptions {
  readonly clock: Clock;
  /** Default: this process's. */
  readonly residentBytes?: () => number;
  readonly collect?: () => void;
}

/** Gives back what has piled up, until the returned function is called. The first time it is what starting left behind. */
export function keepTidy(options: TidyingOptions): () => void {
  const { clock, residentBytes = process.memoryUsage.rss, collect = giveBackMemory } = options;
  let tidyBytes = 0;
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = clock.at(clock.now() + TIDY_EVERY_MS, look);
  };
  const look = (): void => {
    if (residentBytes() > tidyBytes + GROWN_BYTES) {
      collect();
      tidyBytes = residentBytes();
    }
    wait();
  };
  wait();
  return () => cancel();
}
