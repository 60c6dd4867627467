// What a pool process says of itself, in plain numbers: every report is made of it, and nothing here knows how
// one is written.

import type { Quantiles } from "./histogram.ts";

/** Upper ends, in seconds, of the buckets in which durations are published. */
export const DURATION_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Durations since the process started, counted at DURATION_BOUNDS. */
export interface Durations {
  readonly count: number;
  readonly sumMs: number;
  readonly cumulative: readonly number[];
}

/** What one worker was measured to be. */
export interface MeasuredWorker {
  readonly state: string;
  /** Exchanges open now. */
  readonly open: number;
  /** Heap and buffers, as the worker last said; undefined before it did. */
  readonly memoryBytes?: number;
  /** Share of the last second in which its event loop did something, 0 to 1. */
  readonly utilization?: number;
}

/** What one space of what workers share holds; counts are since the process started. */
export interface SpaceCounts {
  readonly entries: number;
  /** Keys, values and what they take beside these. */
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Entries that made room for others before their time. */
  readonly evictions: number;
}

/** What one process of a pool was measured to be. Counts are since it started, unless they say otherwise. */
export interface Measured {
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly generation: number;
  /** Unix time. */
  readonly startedAtMs: number;
  readonly ready: boolean;
  /** Connections open now, and ever. */
  readonly connections: number;
  readonly connectionsAccepted: number;
  /** Connections that wait in the kernel to be accepted; undefined where it does not say. */
  readonly backlog?: number;
  /** Requests that wait for a worker now; how many may; the most that did. */
  readonly queue: number;
  readonly queueMax: number;
  readonly queuePeak: number;
  /** Requests that are in the pool now; the most that were. */
  readonly open: number;
  readonly openPeak: number;
  /** Requests whose params were read: served + own + refused + cut + aborted + what is open. */
  readonly accepted: number;
  /** Answered by a worker, with whatever status. */
  readonly served: number;
  /** Answered by the pool itself on its own paths: status, metrics, ping, ready. */
  readonly own: number;
  /** Answered by the pool with an error, because no worker could or should. */
  readonly refused: number;
  /** The reply broke off. */
  readonly cut: number;
  /** The web server left before its answer. */
  readonly aborted: number;
  /** Handlers that failed. */
  readonly failed: number;
  readonly timedOut: number;
  /** Took longer than request.slow. */
  readonly slow: number;
  /** Whole answers by the first digit of their status, from 1xx to 5xx; the pool's own paths are not counted. */
  readonly responses: readonly number[];
  /** Refused and broken-off requests by the reason's code. */
  readonly faults: Readonly<Record<string, number>>;
  readonly workersMax: number;
  readonly workersBusyPeak: number;
  readonly workersStarted: number;
  readonly workersRecycled: number;
  readonly workersLost: number;
  readonly bootFailures: number;
  /** How often a request had to wait while there were as many workers as there may be. */
  readonly saturated: number;
  readonly residentBytes: number;
  readonly residentPeakBytes: number;
  readonly cpuMs: number;
  /** From a request's arrival to its end; from its admission until a worker got it; from then to its end. */
  readonly durations: { readonly total: Durations; readonly queued: Durations; readonly handler: Durations };
  /** Of the last ten to twenty seconds. */
  readonly recent: {
    readonly requestsPerSecond: number;
    readonly total: Quantiles;
    /** How late the event loop of the process's main thread was. */
    readonly loopDelay: Quantiles;
  };
  readonly workers: readonly MeasuredWorker[];
  /** What its workers share, by the spaces of it: `cache` is the app's. */
  readonly spaces: Readonly<Record<string, SpaceCounts>>;
  /** Named locks that are held, and requests for one that wait, now. */
  readonly locks: { readonly held: number; readonly waiting: number };
}
