// What a worker tells the pool of itself and of what it was given.

import type { FaultData } from "../base/fault.ts";
import type { EscapedError, LogData, ReadyData } from "../messages/lane.ts";
import type { Exchange } from "./exchange.ts";
import type { WorkerHandle } from "./worker-handle.ts";

export interface WorkerEvents {
  ready(worker: WorkerHandle, data: ReadyData): void;
  bootFailed(worker: WorkerHandle, fault: FaultData): void;
  unsound(worker: WorkerHandle, error: EscapedError): void;
  /** A handler passed its deadline; `late` tells how it and its worker take it. */
  overdue(worker: WorkerHandle, late: OverdueHandler): void;
  /** A handler passed request.slow. */
  slow(worker: WorkerHandle, exchange: Exchange): void;
  /** It was given as many requests as its life span has. */
  worn(worker: WorkerHandle): void;
  /** The worker answered for a handler that failed. */
  handlerFailed(): void;
  /** It was given this exchange, and did not begin it: another may. */
  givenBack(exchange: Exchange): void;
  log(worker: WorkerHandle, data: LogData): void;
  /** A file of the app is read; or `ready`: it is a handler, which has loaded. */
  loaded(path: string, ready: boolean): void;
  /** It asks for what the workers share; `ask` is only lent. */
  asked(worker: WorkerHandle, ask: Buffer): void;
  /** Something was written, or room came free: a turn of the pool is due. */
  stirred(): void;
}

export interface OverdueHandler {
  readonly exchange: Exchange;
  /** True once the handler has finished after all. */
  readonly finished: () => boolean;
  /** True once the worker's loop has turned since the handler was told to stop. */
  readonly loopTurned: () => boolean;
}
