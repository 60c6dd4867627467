// The pool's rhythm: what happened in one turn of the event loop is acted upon once, at its end, so
// that everything for a worker leaves as one batch.

import type { Clock, Instant } from "../base/clock.ts";
import { HOLD_MS } from "../messages/lane.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** How often deadlines are looked at while anything is open. */
export const SWEEP_MS = 50;

export interface TurnsOptions {
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  /** Takes what workers have finished that are still in their turn. */
  readonly collect: () => void;
  /** Deadlines are looked at: time for whatever else is to be looked at while anything is open. */
  readonly swept: () => void;
  /** Looks whether requests wait for want of workers. */
  readonly relieve: () => void;
  /** Sends what was written to the workers. True: some of it waits for them to make room. */
  readonly post: () => boolean;
  /** Nothing is left to do in this turn: what workers finish from now on they have to tell. */
  readonly rest: () => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  #due = false;
  #stallTimer = false;
  #sweepTimer = false;
  #holdTimer = false;

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
    const { clock, dispatcher, collect, swept, relieve } = this.#options;
    clock.at(clock.now() + SWEEP_MS, () => {
      this.#sweepTimer = false;
      collect();
      dispatcher.sweep();
      swept();
      relieve();
      this.stirred();
      if (!dispatcher.idle) this.opened();
    });
  }

  readonly #turn = (): void => {
    const { dispatcher, collect, rest } = this.#options;
    collect();
    this.#due = false;
    this.#watchStall(dispatcher.turn());
    if (dispatcher.starved) this.#options.relieve();
    this.#post();
    rest();
  };

  /** A worker that has made room need not have anything to say: nobody would wake us for what is held back. */
  #post(): void {
    if (!this.#options.post() || this.#holdTimer) return;
    this.#holdTimer = true;
    const { clock } = this.#options;
    clock.at(clock.now() + HOLD_MS, () => {
      this.#holdTimer = false;
      this.#post();
    });
  }

  #watchStall(at: Instant | undefined): void {
    if (at === undefined || this.#stallTimer) return;
    this.#stallTimer = true;
    const { clock, dispatcher, collect } = this.#options;
    clock.at(at, () => {
      this.#stallTimer = false;
      collect();
      this.#watchStall(dispatcher.unstall());
      this.#post();
    });
  }
}
