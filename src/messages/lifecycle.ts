// What the supervisor and a pool process say to each other over Node's IPC channel: plain JSON data.
// Deadlines travel as milliseconds left, because monotonic clocks of two processes do not compare.

import type { FaultData, LogLevel } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";

export type ToPool =
  /** First message. The inherited listening socket is descriptor `fd`. */
  | {
      readonly kind: "configure";
      readonly pool: PoolConfig;
      readonly generation: number;
      readonly fd: number;
      readonly logFormat: "json" | "pretty";
      readonly logLevel: LogLevel;
    }
  /** Take nothing new, finish what is open, leave within `withinMs`. */
  | { readonly kind: "drain"; readonly withinMs: number }
  | { readonly kind: "status"; readonly id: number }
  | { readonly kind: "ping"; readonly id: number };

export type FromPool =
  /** Sent once at start, so that `configure` is not lost. */
  | { readonly kind: "hello" }
  /** Every worker is ready and the socket is being accepted from. */
  | { readonly kind: "ready"; readonly workers: number }
  | { readonly kind: "boot-failed"; readonly fault: FaultData }
  /** It leaves without having been told to, within `withinMs`, and takes nothing new. */
  | { readonly kind: "draining"; readonly withinMs: number }
  | { readonly kind: "status"; readonly id: number; readonly status: PoolStatus }
  | { readonly kind: "pong"; readonly id: number };

export type WorkerState = "starting" | "idle" | "busy" | "stalled" | "draining" | "gone";

export interface WorkerStatus {
  readonly worker: number;
  readonly generation: number;
  readonly state: WorkerState;
  /** Exchanges open now. */
  readonly open: number;
  /** Exchanges begun since the worker started. */
  readonly served: number;
  readonly uptimeMs: number;
}

export interface PoolStatus {
  readonly pid: number;
  readonly generation: number;
  readonly uptimeMs: number;
  /** Generation of the workers; a watch raises it without a new process. */
  readonly workersGeneration: number;
  readonly connections: number;
  readonly queue: number;
  readonly queueMax: number;
  readonly open: number;
  readonly accepted: number;
  readonly served: number;
  readonly refused: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly aborted: number;
  readonly workersLost: number;
  readonly residentBytes: number;
  readonly workers: readonly WorkerStatus[];
  /** Why the newest generation of workers did not come up, if it did not. */
  readonly lastBootFault?: FaultData;
}
