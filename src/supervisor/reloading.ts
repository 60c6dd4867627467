// One reload under way: what it changes, and how it stands.

import type { Fault } from "../base/fault.ts";
import type { Wanted } from "./plan.ts";
import type { Changes } from "./reload-scope.ts";

export class Reloading {
  readonly changes: Changes;
  readonly #settled = Promise.withResolvers<void>();
  #failure: Fault | undefined;
  #isPromoted = false;

  constructor(changes: Changes) {
    this.changes = changes;
    // It may fail before somebody waits for it.
    this.#settled.promise.catch(() => {});
  }

  /** Resolves when every new process serves; rejects with the reason why not. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get failure(): Fault | undefined {
    return this.#failure;
  }

  /** From here on there is no way back. */
  get isPromoted(): boolean {
    return this.#isPromoted;
  }

  /** As plan() wants to know it. */
  get stage(): Wanted["reload"] {
    if (this.#isPromoted) return "none";
    return this.#failure === undefined ? "booting" : "failed";
  }

  /** It cannot succeed; the first reason counts. */
  fail(fault: Fault): void {
    this.#failure ??= fault;
  }

  promote(): void {
    this.#isPromoted = true;
  }

  end(fault?: Fault): void {
    if (fault === undefined) this.#settled.resolve();
    else this.#settled.reject(fault);
  }
}
