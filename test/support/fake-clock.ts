import type { Clock, Instant } from "../../src/base/clock.ts";

/** A clock that moves only when told to; timers fire in order of their time. */
export class FakeClock implements Clock {
  #now: Instant = 0;
  #timers: { at: Instant; fn: () => void }[] = [];

  now(): Instant {
    return this.#now;
  }

  at(at: Instant, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = end;
  }

  get pending(): number {
    return this.#timers.length;
  }
}
