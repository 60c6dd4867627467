// What the supervisor and a pool process say to each other over Node's IPC channel: plain JSON data.
// Deadlines travel as milliseconds left, because monotonic clocks of two processes do not compare.

import type { FaultData, LogLevel } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import type { ThreadCount } from "../config/thread-count.ts";
import type { Measured, MeasuredWorker } from "../telemetry/measured.ts";

/** How a pool process writes its log. */
export interface LogSettings {
  /** Where standard error is a pipe to the supervisor: `json`, and the supervisor gives it its form. */
  readonly format: "json" | "pretty";
  readonly colours: boolean;
  readonly level: LogLevel;
  /** Standard error leads to the supervisor, which may be slow to read. */
  readonly piped: boolean;
  /** A pipe to the supervisor for lines of the access log. */
  readonly accessFd?: number;
  /** A longer line that the app prints becomes several. */
  readonly limitBytes: number;
}

/** Who a pool process runs as, in the kernel's terms. */
export interface PoolUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, exactly; absent: what the user database says. */
  readonly groups?: readonly number[];
  /** Whether the group of root may be among them. */
  readonly rootGroup: boolean;
}

/** What is known of a connection between two requests, beside its handle. */
export interface KeptConnection {
  /** Whether it has carried a request: until the first one it must hurry, afterwards it may idle. */
  readonly used: boolean;
}

/** Where what a process leaves is to be had, by whoever says the key. */
export interface EstateAddress {
  readonly path: string;
  readonly key: string;
}

export type ToPool =
  /** First message. The inherited listening socket is descriptor `fd`. */
  | {
      readonly kind: "configure";
      readonly pool: PoolConfig;
      readonly generation: number;
      readonly fd: number;
      /** Who the process is to have become; absent when it runs as the supervisor does. */
      readonly user?: PoolUser;
      readonly log: LogSettings;
      /** Another process of the pool serves until this one does. */
      readonly replaces: boolean;
    }
  /** Listen, and accept. `estate`: first take what the process before leaves. */
  | { readonly kind: "serve"; readonly estate?: EstateAddress }
  /** Another takes its place: leave it what the workers share. */
  | { readonly kind: "bequeath"; readonly id: number }
  /**
   * Take nothing new, finish what is open, leave within `withinMs`. `handOver`: give the connections
   * away between two requests, else end them. It may come again, with less time or with less to hope for.
   */
  | { readonly kind: "drain"; readonly withinMs: number; readonly handOver: boolean }
  /** The front is about to close: answer the pages that wait for a change. */
  | { readonly kind: "release-pages" }
  /** A connection that another process gave away; its handle comes with the message. */
  | ({ readonly kind: "connection" } & KeptConnection)
  /** A connection that it gave away has been taken, or is lost: the next one may follow. */
  | { readonly kind: "given" }
  | { readonly kind: "status"; readonly id: number }
  | { readonly kind: "ping"; readonly id: number };

export type FromPool =
  /** Sent once at start, so that `configure` is not lost. */
  | { readonly kind: "hello" }
  /** Every worker is ready; nothing is accepted until `serve`. */
  | { readonly kind: "booted"; readonly workers: number }
  /** The socket is being accepted from. `bequeaths`: it may be asked what it leaves to the next. */
  | { readonly kind: "ready"; readonly bequeaths?: boolean }
  /** Where the next finds it; absent: there is nothing. */
  | { readonly kind: "bequest"; readonly id: number; readonly estate?: EstateAddress }
  /** Once: it has answered a request, so whatever ends it now is no failed start. */
  | { readonly kind: "proven" }
  | { readonly kind: "boot-failed"; readonly fault: FaultData }
  /** It leaves without having been told to, within `withinMs`, and takes nothing new. */
  | { readonly kind: "draining"; readonly withinMs: number }
  /** It serves on until another process of its generation serves, and it is told to drain. */
  | { readonly kind: "replace-me"; readonly reason: string }
  /** A connection that another process is to take; its handle comes with the message. */
  | ({ readonly kind: "connection" } & KeptConnection)
  | { readonly kind: "status"; readonly id: number; readonly status: PoolStatus }
  | { readonly kind: "pong"; readonly id: number };

export type WorkerState = "starting" | "idle" | "busy" | "stalled" | "draining" | "gone";

/** A request that is in a pool; of its URL only the path. */
export interface OpenRequest {
  readonly method: string;
  readonly path: string;
  /** mod_unique_id's. */
  readonly request?: string;
  readonly ageMs: number;
  /** Its handler runs. */
  readonly begun: boolean;
  readonly contentLength: number;
  readonly script: string;
}

export interface WorkerStatus extends MeasuredWorker {
  readonly worker: number;
  /** Of a worker that is a process of its own. */
  readonly pid?: number;
  readonly generation: number;
  readonly state: WorkerState;
  /** Exchanges begun since the worker started. */
  readonly served: number;
  readonly uptimeMs: number;
  /** For how long its event loop has not turned, at least; looked at once a second while it has something open. */
  readonly unresponsiveMs: number;
  /** The oldest that it has open, if they were asked for. */
  readonly requests?: readonly OpenRequest[];
}

/** One process of a pool, by what it says of itself. */
export interface PoolStatus extends Measured {
  readonly pool: string;
  /** How many processes the pool has. */
  readonly processes: number;
  readonly uptimeMs: number;
  /** Generation of the workers; a watch raises it without a new process. */
  readonly workersGeneration: number;
  readonly threads: ThreadCount;
  readonly workers: readonly WorkerStatus[];
  /** Workers in a row that ended before they were of use, and when the next one is tried. */
  readonly crashLoop?: { readonly failures: number; readonly retryInMs: number };
  /** Why the newest generation of workers did not come up, if it did not. */
  readonly lastBootFault?: FaultData;
}
