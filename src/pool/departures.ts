// Workers on their way out: who waits for them, and what ends them if they do not go by themselves.

import type { Clock, Instant } from "../base/clock.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** A thread that is ended is gone within this time, or it never goes: some loops that V8 has optimised cannot be interrupted. */
export const TERMINATE_MS = 1000;

export interface DeparturesOptions {
  readonly clock: Clock;
  /** A thread goes on after it was ended: only the end of the process helps. */
  readonly unendable: (worker: WorkerHandle) => void;
}

export class Departures {
  readonly #options: DeparturesOptions;
  readonly #waiting = new Map<WorkerHandle, (() => void)[]>();
  /** Told to end although they were draining. */
  readonly #evicted = new Set<WorkerHandle>();
  /** Told to end by force. */
  readonly #ending = new Set<WorkerHandle>();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Resolves when the worker's thread is gone. */
  gone(worker: WorkerHandle): Promise<void> {
    if (worker.state === "gone") return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.set(worker, [...(this.#waiting.get(worker) ?? []), resolve]);
    });
  }

  /** Ends the worker by force if it has not gone by then. */
  endAt(worker: WorkerHandle, at: Instant): void {
    const cancel = this.#options.clock.at(at, () => this.end(worker));
    this.gone(worker).then(cancel);
  }

  /** Ends the worker by force, and says so if even that does not end it. False: it was told before, or is gone. */
  end(worker: WorkerHandle): boolean {
    const { clock, unendable } = this.#options;
    if (worker.state === "gone" || this.#ending.has(worker)) return false;
    this.#ending.add(worker);
    worker.terminate();
    const cancel = clock.at(clock.now() + TERMINATE_MS, () => unendable(worker));
    this.gone(worker).then(cancel);
    return true;
  }

  /** How many of those that are there count: who was evicted makes room in a moment. */
  staying(workers: ReadonlySet<WorkerHandle>): number {
    return workers.size - this.#evicted.size;
  }

  /** Ends the one that drains for longest; undefined: none drains. */
  evict(workers: Iterable<WorkerHandle>): WorkerHandle | undefined {
    for (const worker of workers) {
      if (worker.state !== "draining" || this.#evicted.has(worker)) continue;
      this.#evicted.add(worker);
      this.end(worker);
      return worker;
    }
    return undefined;
  }

  /** To be called when the worker's thread is gone and its state says so. */
  left(worker: WorkerHandle): void {
    this.#evicted.delete(worker);
    this.#ending.delete(worker);
    for (const resolve of this.#waiting.get(worker) ?? []) resolve();
    this.#waiting.delete(worker);
  }
}
