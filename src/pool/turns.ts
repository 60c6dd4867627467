// The pool's rhythm: what happened in one turn of the event loop is acted upon once, at its end, so
// that everything for a worker leaves as one batch.

import type { Clock, Instant } from "../base/clock.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** How often deadlines are looked at while anything is open. */
export const SWEEP_MS = 50;

export interface TurnsOptions {
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  /** Sends what was written to the workers. */
  readonly post: () => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  #due = false;
  #stallTimer = false;
  #sweepTimer = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Something happened: act at the end of this turn. */
  stirred(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#turn);
  }

  /** Something may pass a deadline from now on. */
  opened(): void {
    if (this.#sweepTimer) return;
    this.#sweepTimer = true;
    const { clock, dispatcher } = this.#options;
    clock.at(clock.now() + SWEEP_MS, () => {
      this.#sweepTimer = false;
      dispatcher.sweep();
      this.stirred();
      if (!dispatcher.idle) this.opened();
    });
  }

  readonly #turn = (): void => {
    this.#due = false;
    const { dispatcher, post } = this.#options;
    this.#watchStall(dispatcher.turn());
    post();
  };

  #watchStall(at: Instant | undefined): void {
    if (at === undefined || this.#stallTimer) return;
    this.#stallTimer = true;
    const { clock, dispatcher, post } = this.#options;
    clock.at(at, () => {
      this.#stallTimer = false;
      this.#watchStall(dispatcher.unstall());
      post();
    });
  }
}
