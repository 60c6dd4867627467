// How late the event loop of this thread is: a timer that looks how late it fires. It runs only while
// there are requests, because a pool that nobody uses is not to be woken for it.

import type { Clock, Instant } from "../../base/clock.ts";
import { Histogram, type Quantiles } from "../../telemetry/histogram.ts";
import { Lately } from "../latencies.ts";

const LOOK_MS = 20;
/** Seconds without a request after which nobody looks any more. */
const IDLE_TICKS = 10;

export class LoopDelay {
  readonly #clock: Clock;
  readonly #second = new Histogram();
  readonly #lately = new Lately();
  #cancel: (() => void) | undefined;
  #idleTicks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends a second in which requests came or not; returns its quantiles. */
  tick(used: boolean): Quantiles {
    const quantiles = this.#second.quantiles();
    this.#lately.add(this.#second);
    this.#lately.tick();
    this.#second.clear();
    this.#idleTicks = used ? 0 : this.#idleTicks + 1;
    if (used && this.#cancel === undefined) this.#lookAt(this.#clock.now() + LOOK_MS);
    else if (this.#idleTicks > IDLE_TICKS) this.close();
    return quantiles;
  }

  get lately(): Quantiles {
    return this.#lately.quantiles();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #lookAt(due: Instant): void {
    this.#cancel = this.#clock.at(due, () => {
      const now = this.#clock.now();
      this.#second.record(now - due);
      this.#lookAt(now + LOOK_MS);
    });
  }
}
