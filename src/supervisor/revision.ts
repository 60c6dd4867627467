// One version of a pool: its configuration, and what follows from it for every process of it.

import type { PoolConfig } from "../config/schema.ts";
import type { Address } from "./addresses.ts";
import { type Environment, poolEnvironment } from "./environment.ts";
import { type Identity, poolIdentity } from "./identity.ts";

export interface Revision {
  /** Counts up with every version of the pool, also one that never served. */
  readonly generation: number;
  readonly config: PoolConfig;
  readonly address: Address;
  readonly identity: Identity | undefined;
  readonly environment: Environment;
}

/** Throws CONFIG when the pool may not run as it says. */
export function makeRevision(config: PoolConfig, generation: number, address: Address): Revision {
  const identity = poolIdentity(config);
  return { generation, config, address, identity, environment: poolEnvironment(config, process.env, identity) };
}
