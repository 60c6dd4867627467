// A pool process's report of itself, for tests of what is made of it.

import type { PoolStatus, WorkerStatus } from "../../src/messages/lifecycle.ts";
import { DURATION_BOUNDS } from "../../src/telemetry/measured.ts";

const QUIET = { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };
const NO_DURATIONS = { count: 0, sumMs: 0, cumulative: DURATION_BOUNDS.map(() => 0) };

/** Idle and healthy, but for `differences`. */
export function poolStatus(differences: Partial<PoolStatus> = {}): PoolStatus {
  return {
    pool: "www",
    pid: 812,
    processes: 1,
    version: "0.1.0",
    node: "v26.0.0",
    generation: 1,
    startedAtMs: Date.UTC(2026, 6, 1, 17, 53, 49),
    uptimeMs: 5000,
    ready: true,
    workersGeneration: 1,
    connections: 3,
    connectionsAccepted: 7,
    queue: 0,
    queueMax: 128,
    queuePeak: 0,
    open: 0,
    openPeak: 0,
    accepted: 0,
    served: 0,
    own: 0,
    refused: 0,
    cut: 0,
    aborted: 0,
    failed: 0,
    timedOut: 0,
    slow: 0,
    responses: [0, 0, 0, 0, 0],
    faults: { OVERLOAD: 0, TIMEOUT: 0 },
    threads: { min: 2, max: 2, idleTimeoutMs: 0 },
    workersMax: 2,
    workersBusyPeak: 0,
    workersStarted: 2,
    workersRecycled: 0,
    workersLost: 0,
    bootFailures: 0,
    saturated: 0,
    residentBytes: 100 * 1024 * 1024,
    residentPeakBytes: 120 * 1024 * 1024,
    cpuMs: 1500,
    durations: { total: NO_DURATIONS, queued: NO_DURATIONS, handler: NO_DURATIONS },
    recent: { requestsPerSecond: 0, total: QUIET, loopDelay: QUIET },
    workers: [],
    spaces: { cache: { entries: 0, bytes: 0, hits: 0, misses: 0, evictions: 0 } },
    locks: { held: 0, waiting: 0 },
    ...differences,
  };
}

export function workerStatus(differences: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    worker: 1,
    generation: 1,
    state: "idle",
    open: 0,
    served: 0,
    uptimeMs: 4000,
    unresponsiveMs: 0,
    ...differences,
  };
}
