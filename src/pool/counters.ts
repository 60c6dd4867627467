// What a pool has done since it started; the numbers behind `holdfast status`.

import type { FaultCode } from "../base/fault.ts";
import type { Outcome } from "./exchange.ts";

export class Counters {
  /** Requests whose params were read. */
  accepted = 0;
  /** Answered by a worker, with whatever status. */
  served = 0;
  /** Answered by the pool, because no worker could or should. */
  refused = 0;
  /** Answered for a handler that threw. */
  failed = 0;
  timedOut = 0;
  /** The web server left before its answer. */
  aborted = 0;
  workersLost = 0;

  closed(outcome: Outcome, fault: FaultCode | undefined): void {
    if (fault === "TIMEOUT") this.timedOut++;
    if (outcome === "replied") this.served++;
    else if (outcome === "aborted") this.aborted++;
    else this.refused++;
  }
}
