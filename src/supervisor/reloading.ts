// One reload under way: what it changes, and how it stands.

import type { Fault } from "../base/fault.ts";
import type { ReloadReport } from "../messages/control.ts";
import type { Fleet } from "./fleet.ts";
import type { Wanted } from "./plan.ts";
import type { Changes } from "./reload-scope.ts";

export class Reloading {
  readonly changes: Changes;
  readonly #fleet: Fleet;
  /** What served before. */
  readonly #was: ReadonlyMap<string, number | undefined>;
  readonly #settled = Promise.withResolvers<void>();
  #failure: Fault | undefined;
  #isPromoted = false;

  constructor(changes: Changes, fleet: Fleet) {
    this.changes = changes;
    this.#fleet = fleet;
    this.#was = fleet.generations;
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

  /** Every pool that it renews serves as a whole. */
  get isComplete(): boolean {
    const renewed = this.#fleet.renewed(this.changes);
    return this.#isPromoted && renewed.every((pool) => this.#fleet.processes.isComplete(pool, "ready"));
  }

  /** What has changed, by the generations; to be asked when it has succeeded. */
  report(): Pick<ReloadReport, "pools" | "unchanged"> {
    const { renewed, removed } = this.changes;
    const is = this.#fleet.generations;
    const pools = [...renewed, ...removed].map((name) => {
      const [from, to] = [this.#was.get(name), is.get(name)];
      return { name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    });
    return { pools, unchanged: is.size - renewed.size };
  }

  /** As plan() wants to know it. */
  get stage(): Wanted["reload"] {
    if (this.#isPromoted) return "none";
    return this.#failure === undefined ? "booting" : "failed";
  }

  /** It cannot succeed; the first reason counts. Once promoted there is no way back, but who asked is told. */
  fail(fault: Fault): void {
    this.#failure ??= fault;
    if (this.#isPromoted) this.end(this.#failure);
  }

  promote(): void {
    this.#isPromoted = true;
    this.#fleet.promote(this.changes);
  }

  end(fault?: Fault): void {
    if (fault === undefined) this.#settled.resolve();
    else this.#settled.reject(fault);
  }
}
