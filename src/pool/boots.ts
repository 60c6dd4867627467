// Workers on their way up: who waits for them to be ready, and until when.

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { STACK_DEADLINE_MS } from "./slow-log.ts";
import type { WorkerHandle } from "./worker-handle.ts";

interface Boot {
  readonly ready: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
  readonly cancelTimeout: () => void;
}

export class Boots {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #boots = new Map<WorkerHandle, Boot>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** To be called once for each worker, when it is started. */
  begin(worker: WorkerHandle): void {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever asks for it later gets it all the same.
    promise.catch(() => {});
    const cancelTimeout = this.#clock.at(this.#clock.now() + this.#timeoutMs, () => {
      this.#late(worker).then((fault) => {
        this.failed(worker, fault);
        if (worker.state === "starting") worker.terminate();
      });
    });
    this.#boots.set(worker, { ready: promise, resolve, reject, cancelTimeout });
  }

  ready(worker: WorkerHandle): void {
    const boot = this.#boots.get(worker);
    boot?.cancelTimeout();
    boot?.resolve();
  }

  /** Changes nothing for a worker that was ready, or that failed already. */
  failed(worker: WorkerHandle, fault: Fault): void {
    const boot = this.#boots.get(worker);
    boot?.cancelTimeout();
    boot?.reject(fault);
  }

  /** The worker is gone: nobody asks for it any more. */
  forget(worker: WorkerHandle): void {
    this.#boots.delete(worker);
  }

  /** What keeps it: what it runs, or that it waits. */
  async #late(worker: WorkerHandle): Promise<Fault> {
    // Without one it is told all the same.
    const stack = await worker.stack(STACK_DEADLINE_MS).catch(() => undefined);
    const fault = new Fault("BOOT", `the app did not load within boot_timeout (${this.#timeoutMs} ms)`, {
      hint:
        stack === undefined
          ? "Look for a top-level await or an init that never finishes."
          : "Look at the stack: that is what it was doing.",
    });
    if (stack !== undefined) fault.stack = `${fault.message}\n${stack.replace(/^/gm, "    ")}`;
    return fault;
  }

  /** Resolves when all are ready; rejects with the first fault. */
  async allReady(workers: readonly WorkerHandle[]): Promise<void> {
    await Promise.all(workers.map((worker) => this.#boots.get(worker)?.ready));
  }
}
