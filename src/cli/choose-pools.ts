// `--pool NAME` of the commands that act on all pools, or on one.

import { Fault } from "../base/fault.ts";
import { nearest } from "../config/nearest.ts";
import type { PoolConfig } from "../config/schema.ts";

/** All pools, or only the one called `name`. Throws USAGE if there is none of that name. */
export function choosePools(pools: readonly PoolConfig[], name: string | undefined): readonly PoolConfig[] {
  if (name === undefined) return pools;
  const pool = pools.find((other) => other.name === name);
  if (pool !== undefined) return [pool];
  const names = pools.map((other) => other.name);
  const meant = nearest(name, names);
  throw new Fault("USAGE", `there is no pool ${JSON.stringify(name)}`, {
    hint: meant === undefined ? `pools: ${names.join(", ")}` : `did you mean ${meant}?`,
  });
}
