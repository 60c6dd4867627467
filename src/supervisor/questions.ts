// What a process was asked and has not answered yet.

import type { Clock } from "../base/clock.ts";
import type { FromPool } from "../messages/lifecycle.ts";

export class Questions {
  readonly #clock: Clock;
  readonly #open = new Map<number, (answer: FromPool | undefined) => void>();
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with the answer; undefined: there was none in time. */
  ask(send: (id: number) => void, withinMs: number): Promise<FromPool | undefined> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const settle = (answer: FromPool | undefined): void => {
        cancel();
        this.#open.delete(id);
        resolve(answer);
      };
      const cancel = this.#clock.at(this.#clock.now() + withinMs, () => settle(undefined));
      this.#open.set(id, settle);
      send(id);
    });
  }

  answered(id: number, answer: FromPool): void {
    this.#open.get(id)?.(answer);
  }

  /** Nobody answers any more. */
  close(): void {
    for (const settle of [...this.#open.values()]) settle(undefined);
  }
}
