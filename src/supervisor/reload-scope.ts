// What a reload is to renew, and what follows from that and from the configuration as it is now. Pure.

import { isDeepStrictEqual } from "node:util";
import type { PoolConfig } from "../config/schema.ts";
import { mustBeKnown } from "./known-pool.ts";

/** `all`: every pool. `changed`: those whose configuration is another than when they started. Else the named ones. */
export type ReloadScope = "all" | { readonly changed: boolean; readonly pools: readonly string[] };

export function joinScopes(one: ReloadScope, other: ReloadScope): ReloadScope {
  if (one === "all" || other === "all") return "all";
  return { changed: one.changed || other.changed, pools: [...new Set([...one.pools, ...other.pools])] };
}

export interface Changes {
  /** What is to run afterwards, in the order of the configuration. */
  readonly pools: readonly PoolConfig[];
  /** Of these, who gets a new generation: who is new, who changes, who was asked for. */
  readonly renewed: ReadonlySet<string>;
  readonly removed: readonly string[];
}

/** Throws USAGE when a named pool neither runs nor is in the configuration. */
export function changesOf(
  scope: ReloadScope,
  running: readonly PoolConfig[],
  configured: readonly PoolConfig[],
): Changes {
  const was = new Map(running.map((pool) => [pool.name, pool]));
  const is = new Map(configured.map((pool) => [pool.name, pool]));
  const names = [...new Set([...is.keys(), ...was.keys()])];
  if (scope !== "all") for (const name of scope.pools) mustBeKnown(name, names);
  const touched = names.filter((name) => {
    if (scope === "all" || scope.pools.includes(name)) return true;
    return scope.changed && !isDeepStrictEqual(was.get(name), is.get(name));
  });
  return {
    pools: names.flatMap((name) => (touched.includes(name) ? is.get(name) : was.get(name)) ?? []),
    renewed: new Set(touched.filter((name) => is.has(name))),
    removed: touched.filter((name) => !is.has(name)),
  };
}
