// What `holdfast status` is told: the supervisor's own facts, and each process's about itself.

import { VERSION } from "../base/version.ts";
import type { PoolReport, PoolState, StatusReport } from "../messages/control.ts";
import type { PoolHistory } from "./history.ts";
import type { ProcessState } from "./plan.ts";
import type { PoolHandle } from "./pool-handle.ts";

interface PoolFacts {
  readonly name: string;
  readonly listen: string;
  readonly history: PoolHistory;
  readonly handles: readonly PoolHandle[];
}

export async function reportStatus(facts: {
  readonly pools: readonly PoolFacts[];
  readonly uptimeMs: number;
  readonly stopping: boolean;
  /** For each process; one that does not answer is reported without its own facts. */
  readonly timeoutMs: number;
}): Promise<StatusReport> {
  return {
    version: VERSION,
    pid: process.pid,
    uptimeMs: Math.round(facts.uptimeMs),
    node: process.version,
    pools: await Promise.all(facts.pools.map((pool) => reportPool(pool, facts.stopping, facts.timeoutMs))),
  };
}

async function reportPool(pool: PoolFacts, stopping: boolean, timeoutMs: number): Promise<PoolReport> {
  const processes = await Promise.all(
    pool.handles.map(async (handle) => {
      const state = handle.view.state;
      const own = state === "ready" || state === "draining" ? await handle.status(timeoutMs) : undefined;
      return own ?? { pid: handle.pid ?? 0, state: publicState(state), generation: handle.view.generation };
    }),
  );
  const { restarts, lastFault } = pool.history;
  return {
    name: pool.name,
    state: stateOf(pool, stopping),
    listen: pool.listen,
    processes,
    restarts,
    ...(lastFault === undefined ? {} : { lastFault }),
  };
}

/** That it waits for others before it serves is nobody's business. */
function publicState(state: ProcessState): PoolState {
  return state === "booted" || state === "opening" ? "starting" : state;
}

function stateOf({ handles, history }: PoolFacts, stopping: boolean): PoolState {
  const states = new Set(handles.map(({ view }) => publicState(view.state)));
  if (stopping) return states.size === 0 ? "gone" : "draining";
  if (states.has("ready")) return "ready";
  if (states.has("starting")) return "starting";
  if (history.failures > 0) return "backoff";
  return states.has("draining") ? "draining" : "starting";
}
