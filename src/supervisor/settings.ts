// What of a configuration a reload puts into effect in the running supervisor, and what waits for the
// next one. Pure.

import { isDeepStrictEqual } from "node:util";
import { type Config, type PoolConfig, SUPERVISOR, type SupervisorConfig } from "../config/schema.ts";

/** What of [supervisor] a reload puts into effect; everything else was used when the process began. */
const LIVE: readonly (keyof SupervisorConfig)[] = ["stopTimeoutMs"];

/** What of a pool acts when its socket is bound, and so not on a socket that is kept. */
const AT_BINDING = [
  ["listenOwner", "listen_owner"],
  ["listenGroup", "listen_group"],
  ["listenMode", "listen_mode"],
] as const satisfies readonly (readonly [keyof PoolConfig, string])[];

/** The settings after a reload, and the names of options that changed and wait for another supervisor. */
export function afterReload(
  running: Config,
  configured: Config,
): { readonly settings: SupervisorConfig; readonly waiting: readonly string[] } {
  const [was, is] = [running.supervisor, configured.supervisor];
  const live = Object.fromEntries(LIVE.map((name) => [name, is[name]]));
  const ours = Object.entries(SUPERVISOR)
    .filter(([, { as }]) => !LIVE.includes(as) && !isDeepStrictEqual(was[as], is[as]))
    .map(([name]) => `supervisor.${name}`);
  return { settings: { ...was, ...live }, waiting: [...ours, ...ofKeptSockets(running.pools, configured.pools)] };
}

function ofKeptSockets(running: readonly PoolConfig[], configured: readonly PoolConfig[]): readonly string[] {
  return configured.flatMap((pool) => {
    const before = running.find(({ listen }) => listen.kind === "unix" && isDeepStrictEqual(listen, pool.listen));
    if (before === undefined) return [];
    return AT_BINDING.filter(([as]) => before[as] !== pool[as]).map(([, name]) => `pools.${pool.name}.${name}`);
  });
}
