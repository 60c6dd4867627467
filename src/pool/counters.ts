// What a pool process has done since it started. Written to once or twice per request: nothing here
// may allocate.

import { FAULTS, type Fault, type FaultCode } from "../base/fault.ts";
import type { Exchange, Outcome } from "./exchange.ts";
import type { Latencies } from "./latencies.ts";

export class Counters {
  /** Requests whose params were read. */
  accepted = 0;
  /** Answered by a worker, with whatever status. */
  served = 0;
  /** Answered by the pool on one of its own paths. */
  own = 0;
  /** Answered by the pool, because no worker could or should. */
  refused = 0;
  /** The reply broke off. */
  cut = 0;
  /** The web server left before its answer. */
  aborted = 0;
  /** Handlers that failed. */
  failed = 0;
  timedOut = 0;
  slow = 0;
  workersStarted = 0;
  workersLost = 0;
  bootFailures = 0;
  /** Whole answers by the first digit of their status, from 1xx. */
  readonly responses = [0, 0, 0, 0, 0];
  /** By code, of those that can become an answer. */
  readonly faults = Object.fromEntries(
    Object.entries(FAULTS).flatMap(([code, { status }]) => (status === 0 ? [] : [[code, 0]])),
  ) as Record<FaultCode, number>;
  readonly #latencies: Latencies;

  constructor(latencies: Latencies) {
    this.#latencies = latencies;
  }

  /** A request was refused before it became an exchange. */
  turnedAway(fault: Fault): void {
    this.accepted++;
    this.refused++;
    this.faults[fault.code]++;
    this.#responded(fault.status);
  }

  closed(exchange: Exchange, outcome: Outcome, fault: Fault | undefined): void {
    if (fault !== undefined) {
      this.faults[fault.code]++;
      if (fault.code === "TIMEOUT") this.timedOut++;
    }
    if (exchange.slow) this.slow++;
    if (exchange.own) {
      // One whose web server left is counted too: nobody but the pool was asked.
      this.own++;
      return;
    }
    if (outcome === "replied") this.served++;
    else if (outcome === "aborted") this.aborted++;
    else if (outcome === "cut") this.cut++;
    else this.refused++;
    if (outcome === "replied" || outcome === "refused") this.#responded(exchange.status || (fault?.status ?? 0));
    this.#latencies.closed(exchange);
  }

  #responded(status: number): void {
    const at = Math.floor(status / 100) - 1;
    const before = this.responses[at];
    if (before !== undefined) this.responses[at] = before + 1;
  }
}
