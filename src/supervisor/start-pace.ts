// How many pool processes boot at a time, and what follows from that for how long all of them may take. Pure.

import { availableParallelism } from "node:os";
import type { PoolConfig } from "../config/schema.ts";

/** Enough to keep every processor busy while some wait for their databases. */
export const STARTS_AT_ONCE = Math.max(8, 2 * availableParallelism());

/** The longest that these pools together may take to boot, ms. */
export function longestStartMs(pools: readonly Pick<PoolConfig, "processes" | "bootTimeoutMs">[]): number {
  const rounds = Math.ceil(pools.reduce((sum, { processes }) => sum + processes, 0) / STARTS_AT_ONCE);
  return rounds * Math.max(0, ...pools.map(({ bootTimeoutMs }) => bootTimeoutMs));
}
