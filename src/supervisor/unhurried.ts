// A process that boots while another serves takes only what that one leaves of the processor: else a
// reload is felt by everybody who asks meanwhile.

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/fault.ts";
import { LEAST_URGENT, mayLowerNiceness, ownNiceness, setNiceness, setNicenessOfBusy } from "../base/niceness.ts";

/** Added to our own niceness: a thirtieth of what a process gets that wants the processor as well. */
const NICER = 15;
/** On a machine that is busy all the time it would never be ready: from then on it boots like any other, ms. */
export const UNHURRIED_MS = 3000;
/** A process that has just begun to serve compiles what it runs; that gives way as long as connections still come over, ms. */
export const WARM_UP_MS = 1500;

export interface UnhurriedOptions {
  readonly pid: number;
  readonly clock: Clock;
  /** It cannot be given back what was taken from it. */
  readonly failed: (reason: string) => void;
}

export class Unhurried {
  readonly #options: UnhurriedOptions;
  readonly #own = ownNiceness();
  #cancel: (() => void) | undefined;
  #cancelWarmUp: (() => void) | undefined;

  /** Does nothing where we could not undo it, as without CAP_SYS_NICE. */
  constructor(options: UnhurriedOptions) {
    const { pid, clock } = options;
    this.#options = options;
    if (!mayLowerNiceness()) return;
    try {
      setNiceness(pid, Math.min(LEAST_URGENT, this.#own + NICER));
    } catch {
      // A kernel or a filter that forbids it: it boots like any other.
      return;
    }
    this.#cancel = clock.at(clock.now() + UNHURRIED_MS, () => this.end());
  }

  /** It is to serve now. */
  end(): void {
    if (this.#cancel === undefined) return;
    this.forget();
    const { pid, clock } = this.#options;
    if (!this.#tried(() => setNicenessOfBusy(pid, this.#own))) return;
    this.#cancelWarmUp = clock.at(clock.now() + WARM_UP_MS, () => this.#tried(() => setNiceness(pid, this.#own)));
  }

  #tried(set: () => void): boolean {
    try {
      set();
      return true;
    } catch (error) {
      this.#options.failed(messageOf(error));
      return false;
    }
  }

  /** It is gone: its number may be another's. */
  forget(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#cancelWarmUp?.();
  }
}
