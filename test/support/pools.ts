// Pools as a configuration file would make them, for tests that render or run them.

import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import type { PoolConfig } from "../../src/config/schema.ts";

/** Paths are relative to `folder` and must exist. */
export function readPools(pools: WrittenConfig["pools"], folder: string): readonly PoolConfig[] {
  return resolveConfig({ pools }, folder).config.pools;
}
