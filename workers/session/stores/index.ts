// The store that the configuration names. Each is loaded only where it is used; the compiler keeps the table complete.

import type { LogLevel } from "../../../src/base/fault.ts";
import type { PoolConfig } from "../../../src/config/schema.ts";
import type { PoolState } from "../../pool-state.ts";
import type { SessionStore } from "../store.ts";
import type { WallClock } from "../wall-clock.ts";

export interface StoreOptions {
  readonly options: PoolConfig["session"];
  /** Letters, digits, `-` and `_`: sessions of others in the same store are not seen. */
  readonly namespace: string;
  /** Processes of the pool. */
  readonly processes: number;
  /** A file or folder of the app: packages are looked for there first. */
  readonly from: string;
  readonly poolState: PoolState | undefined;
  readonly now: WallClock;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

type OpenStore = (options: StoreOptions) => Promise<SessionStore>;

const STORES: Readonly<Record<PoolConfig["session"]["store"], OpenStore>> = {
  memory: async (options) => (await import("./memory.ts")).openMemoryStore(options),
  file: async (options) => (await import("./file.ts")).openFileStore(options),
  sqlite: async (options) => (await import("./sqlite.ts")).openSqliteStore(options),
  redis: async (options) => (await import("./redis.ts")).openRedisStore(options),
  postgres: async (options) => (await import("./postgres.ts")).openPostgresStore(options),
};

/** Rejects with what keeps it from being opened. */
export function openStore(options: StoreOptions): Promise<SessionStore> {
  return STORES[options.options.store](options);
}
