// The options of [pools.NAME.session] at their defaults, and others where a test gives them.

import { readTable } from "../../src/config/read.ts";
import { POOL, type PoolConfig } from "../../src/config/schema.ts";

export function sessionOptions(changed: Partial<PoolConfig["session"]> = {}): PoolConfig["session"] {
  const defaults = readTable(POOL.session.shape, {}, (path, message) => {
    throw new Error(`${path.join(".")} ${message}`);
  });
  return { ...(defaults as PoolConfig["session"]), ...changed };
}
