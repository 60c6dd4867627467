// What a pool says in its log of requests, connections and workers. Whatever strangers can cause is
// said so often and no more (log-limit.ts).

import type { Clock } from "../base/clock.ts";
import { type Fault, type FaultData, isError } from "../base/fault.ts";
import { requestFields } from "../cgi/variables.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { Log, LogFields } from "../telemetry/log.ts";
import { LogLimit } from "./log-limit.ts";

export class PoolLog {
  readonly limit: LogLimit;
  readonly #log: Log;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.limit = new LogLimit(clock);
  }

  refused(fault: Fault, params?: Buffer): void {
    const suppressed = this.limit.admit(fault.code);
    if (suppressed === undefined) return;
    const request = params === undefined ? {} : requestFields(new Params(params));
    const { code, status, message: reason } = fault;
    this.#log.warn("request refused", { ...request, code, status, reason, ...countOf(suppressed) });
  }

  statusRefused(params: Params, reason: string): void {
    const suppressed = this.limit.admit("status refused");
    if (suppressed === undefined) return;
    this.#log.info("status refused", { ...requestFields(params), reason, ...countOf(suppressed) });
  }

  connectionEnded(fault: Fault): void {
    const suppressed = this.limit.admit("connection ended");
    if (suppressed === undefined) return;
    const fields = { code: fault.code, reason: fault.message, ...countOf(suppressed) };
    if (isError(fault.cause)) this.#log.error("connection ended", { ...fields, stack: fault.cause.stack });
    else this.#log.info("connection ended", fields);
  }

  workerLost(worker: number, fault: Fault, exchanges: number): void {
    const cause = isError(fault.cause) ? { stack: fault.cause.stack } : {};
    this.#log.error("worker lost", { worker, exchanges, reason: fault.message, ...cause });
  }

  inherited(entries: number, trouble: string | undefined): void {
    if (trouble !== undefined) this.#log.warn("what workers share did not all come over", { entries, reason: trouble });
    else if (entries > 0) this.#log.info("what workers share came over", { entries });
  }

  lockOverheld(lock: string, worker: number, heldMs: number): void {
    const suppressed = this.limit.admit("lock overheld");
    if (suppressed === undefined) return;
    const fields = { lock, worker, heldMs: Math.round(heldMs), ...countOf(suppressed) };
    this.#log.warn("a lock was held for too long and goes to who waits for it", fields);
  }

  workerUnendable(worker: number): void {
    this.#log.error("a worker's thread cannot be ended; the process is replaced", { worker });
  }

  workerNotStarted({ message, stack }: FaultData): void {
    this.#log.error("a worker did not start", { reason: message, stack });
  }

  reloaded(changed: string, generation: number): void {
    this.#log.info("reloaded", { changed, generation });
  }

  notReloaded(changed: string, { message, stack }: FaultData): void {
    const said = "the change does not load; the workers before it serve on";
    this.#log.error(said, { changed, reason: message, stack });
  }
}

function countOf(suppressed: number): LogFields {
  return suppressed > 0 ? { suppressed } : {};
}
