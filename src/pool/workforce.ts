// Keeps the wanted number of workers alive: boots them, replaces what dies, swaps in a new
// generation, drains. Every change that is not a death is replacement first: the old worker serves
// until its successor is ready.

import { type BackoffPolicy, backoffMs, RESPAWN_BACKOFF } from "../base/backoff.ts";
import type { Clock, Instant } from "../base/clock.ts";
import { Fault, type FaultData, fromFaultData, toFaultData } from "../base/fault.ts";
import type { WorkerBoot } from "../messages/lane.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { WorkerSource } from "./lane.ts";
import { describeDeath } from "./threads.ts";
import { type LateHandler, type WorkerEvents, WorkerHandle } from "./worker-handle.ts";

/** A worker with this many handlers that went on after their deadline is recycled. */
export const IGNORED_DEADLINES_MAX = 8;
/** So many errors that escaped their handlers are logged of one worker: it is being replaced already. */
export const ESCAPED_LOGGED_MAX = 20;
/** A whole generation may stand beside the old one, and one may be on its way out. */
export const WORKERS_PER_PLACE = 3;
/** A worker that dies this soon after its start, and has been given nothing, counts as one that did not boot. */
export const SETTLED_MS = 10_000;

/** A thread that is ended is gone within this time, or it never goes: some loops that V8 has optimised cannot be interrupted. */
export const TERMINATE_MS = 1000;

export interface WorkforceOptions {
  readonly wanted: number;
  readonly concurrency: number;
  readonly requestTimeoutMs: number;
  /** After a deadline: how long until a worker whose loop does not turn is ended. */
  readonly graceMs: number;
  readonly bootTimeoutMs: number;
  readonly disposeTimeoutMs: number;
  readonly clock: Clock;
  readonly source: WorkerSource;
  readonly dispatcher: Dispatcher<WorkerHandle>;
  readonly boot: (worker: number, generation: number) => WorkerBoot;
  readonly backoff?: BackoffPolicy;
  readonly random?: () => number;
  readonly events: Pick<WorkerEvents, "log" | "loaded" | "stirred" | "handlerFailed"> & {
    /** A worker that served is gone without having been asked to go. */
    lost(worker: WorkerHandle, fault: Fault, exchanges: number): void;
    bootFailed(fault: FaultData): void;
    notice(message: string, fields: Record<string, unknown>): void;
    /** A thread goes on after it was ended: only the end of the process helps. */
    unendable(worker: WorkerHandle): void;
  };
}

interface Booting {
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

export class Workforce {
  readonly #options: WorkforceOptions;
  readonly #all = new Set<WorkerHandle>();
  /** Those that serve, or will as soon as they are ready. */
  readonly #roster = new Set<WorkerHandle>();
  readonly #booting = new Map<WorkerHandle, Booting>();
  readonly #leavers = new Map<WorkerHandle, (() => void)[]>();
  /** To be replaced; with the one that boots for it, if one does. */
  readonly #recycled = new Map<WorkerHandle, WorkerHandle | undefined>();
  /** Told to end although they were draining, to make room. */
  readonly #evicted = new Set<WorkerHandle>();
  #nextId = 1;
  #generation = 1;
  #failures = 0;
  #failedAt: Instant = 0;
  #cancelRetry: (() => void) | undefined;
  #draining = false;
  #swap: Promise<void> = Promise.resolve();

  constructor(options: WorkforceOptions) {
    this.#options = options;
  }

  get generation(): number {
    return this.#generation;
  }

  get workers(): readonly WorkerHandle[] {
    return [...this.#all];
  }

  /** Boots the first generation; rejects with the first fault, when none is left alive. */
  async start(): Promise<void> {
    const team = Array.from({ length: this.#options.wanted }, () => this.#hire(this.#generation));
    await this.#allReady(team);
    this.#enlist(team);
  }

  /**
   * Swaps in a new generation: every new worker is ready before the first old one stops. Rejects
   * with the fault that kept a new worker from its feet; then the old ones serve on.
   */
  replaceAll(): Promise<void> {
    this.#swap = this.#swap.then(
      () => this.#replaceAll(),
      () => this.#replaceAll(),
    );
    return this.#swap;
  }

  /** Ends a worker once its successor is ready; until then, however many tries that takes, it serves on. */
  recycle(worker: WorkerHandle, reason: string): void {
    if (!this.#roster.has(worker) || this.#recycled.has(worker) || this.#draining) return;
    this.#options.events.notice("worker is recycled", { worker: worker.id, reason });
    this.#recycled.set(worker, undefined);
    this.#ensure();
  }

  /** Finishes everything, at the latest at `deadline`. */
  async drain(deadline: Instant): Promise<void> {
    this.close();
    const lives = [...this.#all].map((worker) => this.#gone(worker));
    for (const worker of [...this.#all]) {
      if (worker.state === "starting") worker.terminate();
      else if (worker.state === "draining") this.#endAt(worker, deadline);
      else this.#retire(worker, deadline);
    }
    await Promise.all(lives);
  }

  /** Nobody is started from now on. */
  close(): void {
    this.#draining = true;
    this.#cancelRetry?.();
  }

  post(): void {
    for (const worker of this.#all) worker.post();
  }

  async #replaceAll(): Promise<void> {
    if (this.#draining) return;
    const generation = this.#generation + 1;
    const team = Array.from({ length: this.#options.wanted }, () => this.#hire(generation));
    await this.#allReady(team);
    if (this.#draining) return;
    this.#generation = generation;
    this.#failures = 0;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const old = [...this.#roster];
    this.#roster.clear();
    this.#enlist(team);
    for (const worker of old) this.#retire(worker);
  }

  async #allReady(team: readonly WorkerHandle[]): Promise<void> {
    const readiness = team.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          this.#booting.set(worker, { resolve, reject });
        }),
    );
    try {
      await Promise.all(readiness);
    } catch (fault) {
      for (const each of readiness) each.catch(() => {}); // the first reason stands for all
      const lives = team.map((worker) => this.#gone(worker));
      for (const worker of team) worker.terminate();
      await Promise.all(lives);
      throw fault;
    }
  }

  #enlist(team: readonly WorkerHandle[]): void {
    for (const worker of team) {
      // It may have died between its readiness and the last of its team's.
      if (worker.state !== "idle") continue;
      this.#roster.add(worker);
      this.#options.dispatcher.addWorker(worker);
    }
    this.#options.events.stirred();
    this.#ensure();
  }

  #retire(worker: WorkerHandle, deadline?: Instant): void {
    const { clock, dispatcher, disposeTimeoutMs, requestTimeoutMs, graceMs } = this.#options;
    this.#roster.delete(worker);
    this.#recycled.delete(worker);
    dispatcher.removeWorker(worker);
    if (worker.state === "starting") worker.terminate();
    if (worker.state !== "idle") return;
    dispatcher.requeue(worker.takeBack());
    const end = deadline ?? clock.now() + requestTimeoutMs + graceMs + disposeTimeoutMs;
    worker.drain(end - clock.now());
    this.#endAt(worker, end);
    this.#options.events.stirred();
  }

  #endAt(worker: WorkerHandle, end: Instant): void {
    const cancel = this.#options.clock.at(end, () => this.#end(worker));
    this.#gone(worker).then(cancel);
  }

  /** Ends a worker by force, and says so if even that does not end it. */
  #end(worker: WorkerHandle): void {
    const { clock, events } = this.#options;
    worker.terminate();
    const cancel = clock.at(clock.now() + TERMINATE_MS, () => events.unendable(worker));
    this.#gone(worker).then(cancel);
  }

  /** Workers that drain for long must not keep new ones from starting. */
  #makeRoom(): void {
    if (this.#all.size - this.#evicted.size < this.#options.wanted * WORKERS_PER_PLACE) return;
    for (const worker of this.#all) {
      if (worker.state !== "draining" || this.#evicted.has(worker)) continue;
      this.#evicted.add(worker);
      this.#options.events.notice("worker is ended: it drains, and its place is needed", { worker: worker.id });
      this.#end(worker);
      return;
    }
  }

  /** Resolves when the worker's thread is gone. */
  #gone(worker: WorkerHandle): Promise<void> {
    if (!this.#all.has(worker)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#leavers.get(worker) ?? [];
      this.#leavers.set(worker, [...waiting, resolve]);
    });
  }

  #hire(generation: number): WorkerHandle {
    const { concurrency, requestTimeoutMs, clock, source, boot, bootTimeoutMs } = this.#options;
    this.#makeRoom();
    const worker = new WorkerHandle({
      id: this.#nextId++,
      generation,
      concurrency,
      clock,
      requestTimeoutMs,
      events: this.#workerEvents(),
    });
    this.#all.add(worker);
    const seat = source.start(boot(worker.id, generation), worker.slots, (batch) => worker.receive(batch));
    worker.sit(seat);
    const cancelBoot = clock.at(clock.now() + bootTimeoutMs, () => {
      const fault = new Fault("BOOT", `the app did not load within boot_timeout (${bootTimeoutMs} ms)`, {
        hint: "Look for a top-level await or an init that never finishes.",
      });
      this.#booting.get(worker)?.reject(fault);
      if (worker.state === "starting") worker.terminate();
    });
    seat.life.then(
      () => this.#ended(worker, undefined, cancelBoot),
      (error: unknown) => this.#ended(worker, error, cancelBoot),
    );
    return worker;
  }

  #workerEvents(): WorkerEvents {
    const { events } = this.#options;
    return {
      ready: (worker) => {
        const booting = this.#booting.get(worker);
        this.#booting.delete(worker);
        booting?.resolve();
      },
      bootFailed: (worker, data) => {
        this.#booting.get(worker)?.reject(fromFaultData(data));
      },
      unsound: (worker, data) => {
        worker.escapedErrors++;
        if (worker.escapedErrors <= ESCAPED_LOGGED_MAX) {
          const last =
            worker.escapedErrors === ESCAPED_LOGGED_MAX ? { further: "no more of this worker are logged" } : {};
          events.log(worker, { level: "error", message: data.message, fields: { stack: data.stack, ...last } });
        }
        this.recycle(worker, "an error escaped its handlers");
      },
      overdue: (worker, late) => this.#overdue(worker, late),
      handlerFailed: events.handlerFailed,
      log: events.log,
      loaded: events.loaded,
      stirred: events.stirred,
    };
  }

  #overdue(worker: WorkerHandle, late: LateHandler): void {
    const { clock, graceMs } = this.#options;
    clock.at(clock.now() + graceMs, () => {
      if (late.finished() || worker.state === "gone") return;
      if (!late.loopTurned()) {
        this.#options.events.notice("worker is ended: its event loop does not turn", { worker: worker.id });
        this.#end(worker);
        return;
      }
      worker.ignoredDeadlines++;
      if (worker.ignoredDeadlines >= IGNORED_DEADLINES_MAX) {
        this.recycle(worker, `${IGNORED_DEADLINES_MAX} handlers went on after their deadline`);
      }
    });
  }

  #ended(worker: WorkerHandle, error: unknown, cancelBoot: () => void): void {
    const { clock, dispatcher, events } = this.#options;
    cancelBoot();
    const wasDraining = worker.state === "draining";
    const served = worker.state === "idle" && this.#roster.has(worker);
    this.#roster.delete(worker);
    this.#all.delete(worker);
    this.#evicted.delete(worker);
    const successor = this.#recycled.get(worker);
    this.#recycled.delete(worker);
    if (successor !== undefined) this.#roster.add(successor);
    dispatcher.removeWorker(worker);
    const death = describeDeath(error);
    const { back, lost } = worker.bury();
    dispatcher.requeue(back);
    // Of those that were answered already, by a deadline, only the handler is lost.
    const unanswered = lost.filter((exchange) => !exchange.closed);
    for (const exchange of unanswered) exchange.fail(death);
    const isLoss = (served && !this.#draining) || ((served || wasDraining) && unanswered.length > 0);
    if (error !== undefined && isLoss) events.lost(worker, death, unanswered.length);

    const booting = this.#booting.get(worker);
    this.#booting.delete(worker);
    booting?.reject(
      new Fault("BOOT", `the worker ended before the app was loaded: ${death.message}`, { cause: error }),
    );

    for (const resolve of this.#leavers.get(worker) ?? []) resolve();
    this.#leavers.delete(worker);
    if (served && worker.served === 0 && clock.now() - worker.startedAt < SETTLED_MS) this.#retryLater();
    else if (served) this.#ensure();
    events.stirred();
  }

  /** Brings the roster to the wanted number, and finds successors; with back-off when a boot fails. */
  #ensure(): void {
    if (this.#draining || this.#cancelRetry !== undefined) return;
    const missing = this.#options.wanted - this.#roster.size;
    for (let n = 0; n < missing; n++) {
      const worker = this.#hire(this.#generation);
      this.#roster.add(worker);
      void this.#boot(worker);
    }
    for (const [worker, successor] of this.#recycled) {
      if (successor === undefined) void this.#succeed(worker);
    }
  }

  /** Sees a worker of the roster, or who is to enter it, through its boot. True: it serves. */
  async #boot(worker: WorkerHandle): Promise<boolean> {
    try {
      await this.#allReady([worker]);
    } catch (error) {
      this.#roster.delete(worker);
      if (worker.generation === this.#generation) this.#bootTrouble(toFaultData(error, "BOOT"));
      return false;
    }
    // Its generation may have been replaced while it booted.
    if (worker.generation === this.#generation && !this.#draining) this.#enlist([worker]);
    else this.#retire(worker);
    return this.#roster.has(worker);
  }

  async #succeed(worker: WorkerHandle): Promise<void> {
    const successor = this.#hire(this.#generation);
    this.#recycled.set(worker, successor);
    const serves = await this.#boot(successor);
    if (!this.#recycled.has(worker)) return;
    if (serves) {
      this.#retire(worker);
    } else {
      this.#recycled.set(worker, undefined);
      this.#ensure();
    }
  }

  #bootTrouble(fault: FaultData): void {
    if (this.#draining) return;
    this.#options.events.bootFailed(fault);
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock, backoff = RESPAWN_BACKOFF, random = Math.random } = this.#options;
    if (this.#draining) return;
    // Failures so far apart are not failures in a row.
    if (clock.now() - this.#failedAt > 2 * backoff.maxMs) this.#failures = 0;
    this.#failures++;
    this.#failedAt = clock.now();
    this.#cancelRetry?.();
    this.#cancelRetry = clock.at(clock.now() + backoffMs(this.#failures, random(), backoff), () => {
      this.#cancelRetry = undefined;
      this.#ensure();
    });
  }
}
