// How many programs run at once.

import { Fault } from "../../src/base/fault.ts";

/** Calls `left` once the signal is aborted, at once if it is already. Returns what takes that back. */
export function whenAborted(signal: AbortSignal, left: () => void): () => void {
  if (signal.aborted) left();
  else signal.addEventListener("abort", left, { once: true });
  return () => signal.removeEventListener("abort", left);
}

export class Limit {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs `work` when there is room. Rejects with OVERLOAD where the client leaves before, or the time is over. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await this.#room(signal);
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Its place goes to who waits.
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #room(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let stay = (): void => {};
      const go = (): void => {
        stay();
        resolve();
      };
      this.#waiting.push(go);
      stay = whenAborted(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(new Fault("OVERLOAD", `${this.#most} programs run already (cgi.children)`));
      });
    });
  }
}
