// What the command line and a running supervisor say to each other: one JSON line each way on the
// control socket (mode 0600), then the supervisor closes.

import type { FaultData } from "../base/fault.ts";
import type { PoolStatus } from "./lifecycle.ts";

export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "ping"; readonly pool: string }
  | { readonly command: "stop" };

export type PoolState = "starting" | "ready" | "draining" | "failed" | "backoff" | "gone";

export interface PoolReport {
  readonly name: string;
  readonly state: PoolState;
  readonly listen: string;
  readonly processes: readonly (PoolStatus | { readonly pid: number; readonly state: PoolState })[];
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

export type ControlReply =
  | { readonly ok: true; readonly command: "status"; readonly status: StatusReport }
  | { readonly ok: true; readonly command: "ping"; readonly pool: string; readonly ms: number }
  | { readonly ok: true; readonly command: "stop" }
  | { readonly ok: false; readonly fault: FaultData };
