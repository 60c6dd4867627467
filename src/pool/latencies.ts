// How long requests take: since the start, in the last second, and lately. What a request costs here is
// one look at the clock and an increment for each of three durations; the rest is done once a second.

import type { Clock } from "../base/clock.ts";
import { Histogram, type Quantiles } from "../telemetry/histogram.ts";
import { DURATION_BOUNDS, type Durations, type Measured } from "../telemetry/measured.ts";
import type { Exchange } from "./exchange.ts";

const BOUNDS_MS = DURATION_BOUNDS.map((seconds) => seconds * 1000);

export class Latencies {
  readonly #clock: Clock;
  /** From a request's arrival to its end. */
  readonly #total = new Histogram();
  /** From its admission until a worker was given it, for good. */
  readonly #queued = new Histogram();
  /** From then to its end. */
  readonly #handler = new Histogram();
  /** The total of this second, which the one before it does not hold yet. */
  readonly #second = new Histogram();
  readonly #lately: Lately = new Lately();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts an exchange that was admitted; what was refused at once would only make the others look quick. */
  closed(exchange: Exchange): void {
    if (exchange.queuedAt === 0) return;
    const now = this.#clock.now();
    this.#second.record(now - exchange.receivedAt);
    if (exchange.givenAt === 0) return;
    this.#queued.record(exchange.givenAt - exchange.queuedAt);
    this.#handler.record(now - exchange.givenAt);
  }

  /** Ends a second; returns its quantiles. */
  tick(): Quantiles {
    const quantiles = this.#second.quantiles();
    this.#total.add(this.#second);
    this.#lately.add(this.#second);
    this.#lately.tick();
    this.#second.clear();
    return quantiles;
  }

  get lately(): Quantiles {
    return this.#lately.quantiles();
  }

  durations(): Measured["durations"] {
    const total = new Histogram();
    total.add(this.#total);
    total.add(this.#second);
    return { total: published(total), queued: published(this.#queued), handler: published(this.#handler) };
  }
}

/** Ticks, one a second, after which what is oldest is forgotten. */
export const LATELY_TICKS = 10;

/** The last ten to twenty seconds: two histograms that take turns. */
export class Lately {
  #now = new Histogram();
  #before = new Histogram();
  #ticks = 0;

  add(second: Histogram): void {
    this.#now.add(second);
  }

  record(ms: number): void {
    this.#now.record(ms);
  }

  tick(): void {
    this.#ticks++;
    if (this.#ticks < LATELY_TICKS) return;
    this.#ticks = 0;
    [this.#now, this.#before] = [this.#before, this.#now];
    this.#now.clear();
  }

  quantiles(): Quantiles {
    const both = new Histogram();
    both.add(this.#before);
    both.add(this.#now);
    return both.quantiles();
  }
}

function published(histogram: Histogram): Durations {
  return { count: histogram.count, sumMs: histogram.sumMs, cumulative: histogram.cumulative(BOUNDS_MS) };
}
