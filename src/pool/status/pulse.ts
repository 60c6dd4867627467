// How busy the workers' event loops are, and whether they turn, as seen from outside once a second. A
// worker that has nothing open is not asked anything: it is not to be woken for this.

import type { Clock, Instant } from "../../base/clock.ts";
import type { WorkerHandle } from "../worker-handle.ts";

/** What is looked at of a worker. */
export type Watched = Pick<WorkerHandle, "state" | "open" | "loopTimes" | "probe">;

/** What was seen. */
export interface Beat {
  /** Share of the time between the last two looks, 0 to 1; undefined before there were two. */
  readonly utilization: number | undefined;
  /** For how long its loop has not turned, at least; 0: it does. */
  readonly unresponsiveMs: number;
}

interface Seen {
  idleMs: number;
  activeMs: number;
  utilization: number | undefined;
  probe: { readonly sentAt: Instant; readonly answered: () => boolean } | undefined;
}

export class Pulse {
  readonly #clock: Clock;
  #seen = new Map<Watched, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(workers: readonly Watched[]): void {
    // Only those that are there: who is gone is forgotten.
    this.#seen = new Map(workers.map((worker) => [worker, this.#lookAt(worker)]));
  }

  of(worker: Watched): Beat {
    const seen = this.#seen.get(worker);
    const probe = seen?.probe;
    return {
      utilization: seen?.utilization,
      unresponsiveMs: probe === undefined || probe.answered() ? 0 : this.#clock.now() - probe.sentAt,
    };
  }

  /** The mean of all utilizations; 0 if none is known. */
  get average(): number {
    const known = [...this.#seen.values()].flatMap(({ utilization }) =>
      utilization === undefined ? [] : [utilization],
    );
    return known.reduce((sum, share) => sum + share, 0) / Math.max(1, known.length);
  }

  #lookAt(worker: Watched): Seen {
    const before = this.#seen.get(worker);
    const times = worker.loopTimes;
    const idleMs = times?.idle ?? 0;
    const activeMs = times?.active ?? 0;
    let utilization: number | undefined;
    if (before !== undefined && times !== undefined) {
      const idle = idleMs - before.idleMs;
      const active = activeMs - before.activeMs;
      utilization = idle + active > 0 ? Math.min(1, Math.max(0, active / (idle + active))) : 0;
    }
    return { idleMs, activeMs, utilization, probe: this.#probe(worker, before) };
  }

  #probe(worker: Watched, before: Seen | undefined): Seen["probe"] {
    const pending = before?.probe;
    if (pending !== undefined && !pending.answered()) return pending;
    if (worker.open === 0 || worker.state === "starting" || worker.state === "gone") return undefined;
    return { sentAt: this.#clock.now(), answered: worker.probe() };
  }
}
