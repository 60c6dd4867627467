// Requests of one session in one worker, in the order in which they came: only the first of them asks the store,
// so that the store is asked by as many as there are workers, not requests.

import type { Clock, Instant } from "../../src/base/clock.ts";

export class Turns {
  readonly #clock: Clock;
  /** Who waits behind the one whose turn it is. */
  readonly #queues = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves with the function that ends the turn; undefined: it did not come before `until`. Rejects with the
   * signal's reason.
   */
  async take(key: string, until: Instant, signal: AbortSignal): Promise<(() => void) | undefined> {
    const queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#queues.set(key, new Set());
    } else if (!(await this.#wait(queue, until, signal))) {
      return undefined;
    }
    let ended = false;
    return () => {
      if (!ended) this.#next(key);
      ended = true;
    };
  }

  #wait(queue: Set<() => void>, until: Instant, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel();
        signal.removeEventListener("abort", aborted);
        queue.delete(mine);
      };
      const mine = (): void => {
        leave();
        resolve(true);
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason);
      };
      const cancel = this.#clock.at(until, () => {
        leave();
        resolve(false);
      });
      queue.add(mine);
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
    });
  }

  #next(key: string): void {
    const queue = this.#queues.get(key);
    const [first] = queue ?? [];
    if (first === undefined) this.#queues.delete(key);
    else first();
  }
}
