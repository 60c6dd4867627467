// What the command line and a running supervisor say to each other: one JSON line each way on the
// control socket (mode 0600), then the supervisor closes.

import type { FaultData } from "../base/fault.ts";
import type { PoolStatus } from "./lifecycle.ts";

export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "ping"; readonly pool: string }
  /** One pool, or those whose configuration has changed, or (neither) all. */
  | { readonly command: "reload"; readonly pool?: string; readonly changed?: boolean }
  | { readonly command: "stop" };

export type PoolState = "starting" | "ready" | "draining" | "failed" | "backoff" | "gone";

export interface PoolReport {
  readonly name: string;
  readonly state: PoolState;
  readonly listen: string;
  readonly processes: readonly (
    | PoolStatus
    | { readonly pid: number; readonly state: PoolState; readonly generation: number }
  )[];
  readonly restarts: number;
  readonly lastFault?: FaultData;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly node: string;
  readonly pools: readonly PoolReport[];
}

export interface ReloadReport {
  readonly ms: number;
  /** By its generations: without `from` the pool is new, without `to` it is gone. */
  readonly pools: readonly { readonly name: string; readonly from?: number; readonly to?: number }[];
  /** How many pools serve on as they were. */
  readonly unchanged: number;
  /** Lines for the reader. */
  readonly warnings: readonly string[];
}

export type ControlReply =
  | { readonly ok: true; readonly command: "status"; readonly status: StatusReport }
  | { readonly ok: true; readonly command: "ping"; readonly pool: string; readonly ms: number }
  | { readonly ok: true; readonly command: "reload"; readonly report: ReloadReport }
  | { readonly ok: true; readonly command: "stop" }
  | { readonly ok: false; readonly fault: FaultData };
