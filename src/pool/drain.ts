// The end of a pool process in good order: nothing new comes in, what is open is answered, the workers leave, and
// what they shared is told to whoever takes this process's place. It never takes longer than it was given, and
// whoever asks again can only shorten that.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { settledWithin } from "../base/settled-within.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Gateway, GiveAway } from "./gateway.ts";
import type { SharedState } from "./state/shared-state.ts";
import type { Workforce } from "./workforce.ts";

/** For connections whose requests were ended by the deadline to be given away, ms. */
const LAST_GIVING_MS = 100;
/** For the next process to be told the rest of what workers shared, ms. */
const LAST_WORDS_MS = 10_000;
/** Idle connections are given away over this time: enough for a process that has just started to warm up, ms. */
const HAND_OVER_MS = 1000;

export interface DrainOptions {
  readonly clock: Clock;
  readonly gateway: Pick<Gateway, "drain">;
  readonly dispatcher: Pick<Dispatcher, "failAll">;
  readonly workforce: Pick<Workforce, "drain">;
  readonly shared: Pick<SharedState, "finish">;
  /** Requests were answered: a turn of the pool is due. */
  readonly stirred: () => void;
  /** All connections went to another process: what is left to do keeps nobody waiting. */
  readonly forsaken: () => void;
  /** The last that is done. */
  readonly close: () => Promise<void>;
}

export class Drain {
  readonly #options: DrainOptions;
  readonly #late = Promise.withResolvers<void>();
  #by: Instant = Number.POSITIVE_INFINITY;
  #cancelLate = () => {};
  #done: Promise<void> | undefined;
  /** The workers are leaving. */
  #retiring = false;
  #givesAway = false;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /**
   * Resolves when everything has ended, at the latest at `deadline`. Connections end, or are given away. Called
   * again, an earlier deadline counts, and the latest way with the connections.
   */
  by(deadline: Instant, giveAway?: GiveAway): Promise<void> {
    const { clock, gateway } = this.#options;
    this.#givesAway = giveAway !== undefined;
    const left = Math.max(0, deadline - clock.now());
    const emptied = gateway.drain(giveAway, Math.min(HAND_OVER_MS, left / 4));
    if (deadline < this.#by) this.#hurry(deadline);
    this.#done ??= this.#finish(emptied);
    return this.#done;
  }

  #hurry(deadline: Instant): void {
    this.#by = deadline;
    this.#cancelLate();
    this.#cancelLate = this.#options.clock.at(deadline, () => this.#late.resolve());
    if (this.#retiring) void this.#options.workforce.drain(deadline);
  }

  async #finish(emptied: Promise<void>): Promise<void> {
    const { clock, dispatcher, workforce, shared, stirred, forsaken, close } = this.#options;
    const isEmpty = await Promise.race([emptied.then(() => true), this.#late.promise.then(() => false)]);
    dispatcher.failAll(
      new Fault("OVERLOAD", "the pool is stopping"),
      new Fault("TIMEOUT", "the handler did not finish before the pool had to stop"),
    );
    stirred();
    this.#retiring = true;
    if (isEmpty && this.#givesAway) forsaken();
    await workforce.drain(this.#by);
    await shared.finish(Math.min(LAST_WORDS_MS, this.#by - clock.now()));
    // Connections whose requests were ended by the deadline can be given away now.
    if (this.#givesAway) await settledWithin(clock, emptied, LAST_GIVING_MS);
    this.#cancelLate();
    await close();
  }
}
