// The environment that a pool process starts with. Pure.

import type { PoolConfig } from "../config/schema.ts";
import type { Identity } from "./identity.ts";

/** All that a pool inherits when `clear_env` is on. */
export const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "NODE_ENV"] as const;

/**
 * Never inherited, though the app's own `env` may set it: what changes how Node or the dynamic loader
 * starts, and what speaks to the supervisor only [sd_notify(3), sd_listen_fds(3)].
 */
const REFUSED =
  /^(NODE_(?!ENV$|EXTRA_CA_CERTS$)|LD_|UV_|npm_|NOTIFY_SOCKET$|WATCHDOG_|LISTEN_|MAINPID$|HOLDFAST_SUCCESSION$)/;

export type Environment = Readonly<Record<string, string>>;

export function poolEnvironment(
  pool: Pick<PoolConfig, "clearEnv" | "env">,
  ours: Readonly<Record<string, string | undefined>>,
  identity: Identity | undefined,
): Environment {
  const env = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(ours)) {
    const wanted = pool.clearEnv ? (INHERITED as readonly string[]).includes(name) : !REFUSED.test(name);
    if (wanted && value !== undefined) env[name] = value;
  }
  if (identity !== undefined) {
    // The home of whoever started us is not the pool's.
    delete env.HOME;
    if (identity.home !== undefined) env.HOME = identity.home;
    env.USER = identity.name ?? String(identity.uid);
    env.LOGNAME = env.USER;
  }
  return Object.assign(env, pool.env);
}
