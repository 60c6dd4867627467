// A sign of life of a pool: how long its main threads take to answer.

import { Fault } from "../base/fault.ts";
import type { PoolHandle } from "./pool-handle.ts";

/** How long a pool process may take to answer a ping, ms. */
const PING_TIMEOUT_MS = 5000;

/** The longest time that one of the pool's serving processes took, ms. Rejects with LISTEN. */
export async function pingPool(name: string, processes: readonly PoolHandle[]): Promise<number> {
  const live = processes.filter(({ view }) => view.state === "ready");
  if (live.length === 0) throw new Fault("LISTEN", `pool ${name} does not serve`, { hint: "see `holdfast status`" });
  const times = await Promise.all(live.map((handle) => handle.ping(PING_TIMEOUT_MS)));
  const answered = times.filter((ms) => ms !== undefined);
  if (answered.length < times.length) {
    throw new Fault("LISTEN", `pool ${name} did not answer within ${PING_TIMEOUT_MS / 1000} s`, {
      hint: "its main thread is stuck or stopped",
    });
  }
  return Math.max(...answered);
}
