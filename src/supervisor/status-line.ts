// The supervisor's state in one line, for `systemctl status`. Pure.

/** A pool as far as the line goes. */
export interface PoolSummary {
  readonly name: string;
  /** Processes that serve. */
  readonly serving: number;
  /** Worker threads of those. */
  readonly workers: number;
  /** Why its last process ended, if it ended badly. */
  readonly reason: string | undefined;
}

export type Phase = "starting" | "running" | "stopping";

/** `failure`: why everything is being ended, where nobody asked for it. */
export function statusLine(pools: readonly PoolSummary[], phase: Phase, failure?: string): string {
  if (failure !== undefined) return `failed: ${firstLine(failure)}`;
  const down = pools.filter(({ serving }) => serving === 0);
  const up = pools.length - down.length;
  if (phase === "stopping") {
    return up === 0 ? "stopping" : `stopping: ${count(up, "pool")} still ${up === 1 ? "finishes" : "finish"}`;
  }
  if (phase === "starting") return `starting: ${up} of ${serves(pools.length)}`;
  const workers = pools.reduce((sum, pool) => sum + pool.workers, 0);
  if (down.length === 0) return `${serves(pools.length)}, ${count(workers, "worker")}`;
  const why = down.map(({ name, reason }) => (reason === undefined ? name : `${name} (${firstLine(reason)})`));
  return `${up} of ${serves(pools.length)}; not serving: ${why.join(", ")}`;
}

const firstLine = (text: string): string => text.split("\n")[0] ?? "";
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
const serves = (pools: number): string => `${count(pools, "pool")} serve${pools === 1 ? "s" : ""}`;
