// The [supervisor] table at a reload: what of it takes effect in the running process, and what waits for
// the next. Pure.

import { isDeepStrictEqual } from "node:util";
import { SUPERVISOR, type SupervisorConfig } from "../config/schema.ts";

/** What a reload puts into effect; everything else was used when the process began. */
const LIVE: readonly (keyof SupervisorConfig)[] = ["stopTimeoutMs"];

/** The settings after a reload, and the names of those that changed and wait for another supervisor. */
export function afterReload(
  running: SupervisorConfig,
  configured: SupervisorConfig,
): { readonly settings: SupervisorConfig; readonly waiting: readonly string[] } {
  const live = Object.fromEntries(LIVE.map((name) => [name, configured[name]]));
  const waiting = Object.entries(SUPERVISOR)
    .filter(([, { as }]) => !LIVE.includes(as) && !isDeepStrictEqual(running[as], configured[as]))
    .map(([name]) => `supervisor.${name}`);
  return { settings: { ...running, ...live }, waiting };
}
