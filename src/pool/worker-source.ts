// Where the workers of a pool come from: threads of this process, or child processes of it. What follows from
// that for the rest of the pool is all in what is returned.

import { toFaultData } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import type { Log } from "../telemetry/log.ts";
import type { WorkerSource } from "./lane.ts";
import { Orphans } from "./orphans.ts";
import type { OutputLog } from "./output-log.ts";
import { Processes } from "./processes.ts";
import { Threads } from "./threads.ts";

export interface WorkerSourceOptions {
  readonly config: Pick<PoolConfig, "isolation" | "memoryLimitBytes">;
  /** Workers at one time, those that boot and those that drain included. */
  readonly most: number;
  readonly log: Log;
  readonly output: OutputLog;
  /** This process is to be replaced, and serves until then. */
  readonly replace: (reason: string) => void;
}

export interface OpenedWorkerSource {
  readonly source: WorkerSource;
  /** Memory of everything that the workers are a part of, where that is not this process alone. */
  readonly residentBytes?: () => number;
}

export function openWorkerSource({ config, most, log, output, replace }: WorkerSourceOptions): OpenedWorkerSource {
  const { isolation, memoryLimitBytes } = config;
  const heard: ConstructorParameters<typeof Threads>[0]["output"] = (worker, said) => output.open(worker, said);
  if (isolation === "process") {
    const source = new Processes({ memoryLimitBytes, output: heard });
    // Where the system does not tell, each of them is asked for itself.
    return { source, residentBytes: () => source.residentBytes() ?? Number.MAX_SAFE_INTEGER };
  }
  const onError = (error: unknown): void =>
    log.error("a worker thread had trouble", { ...toFaultData(error, "WORKER_LOST") });
  const orphans = new Orphans({ replace });
  const orphaned = (pids: readonly number[]): void => orphans.end(pids);
  return { source: new Threads({ maxThreads: most, memoryLimitBytes, onError, orphaned, output: heard }) };
}
