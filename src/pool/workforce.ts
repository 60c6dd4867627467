// Keeps the wanted number of workers alive: boots them, replaces what dies or has done enough, swaps
// in a new generation, drains. Every change that is not a death is replacement first: the old worker
// serves until its successor is ready. The rules are elsewhere: how many (sizing.ts), until when
// (checkups.ts), who is next (successions.ts), how soon after a failure (pause.ts).

import type { BackoffPolicy } from "../base/backoff.ts";
import type { Instant } from "../base/clock.ts";
import { Fault, type FaultData, toFaultData } from "../base/fault.ts";
import type { ThreadCount } from "../config/thread-count.ts";
import { Checkups } from "./checkups.ts";
import { describeDeath } from "./death.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Pause } from "./pause.ts";
import { Sizing } from "./sizing.ts";
import { Staff, type StaffOptions } from "./staff.ts";
import { Successions } from "./successions.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** A whole generation may stand beside the old one, and one may be on its way out. */
export const WORKERS_PER_PLACE = 3;
/** A request waits no longer than this for the sake of recycle.max_requests being exact, ms. */
export const SPENT_PATIENCE_MS = 5000;
/** A worker that was given its last request has this long to begin it before it is drained, ms. */
export const BEGIN_PATIENCE_MS = 1000;
const BEGIN_LOOK_MS = 10;
/** Requests wait for a worker that is to be started within this time; with a longer pause ahead they are refused, ms. */
export const PAUSE_PATIENCE_MS = 2000;

export interface WorkforceOptions extends StaffOptions {
  readonly threads: ThreadCount;
  readonly dispatcher: Dispatcher<WorkerHandle>;
  readonly backoff?: BackoffPolicy;
}

export class Workforce {
  readonly #options: WorkforceOptions;
  readonly #staff: Staff;
  /** Those that serve, or will as soon as they are ready. */
  readonly #roster = new Set<WorkerHandle>();
  readonly #sizing: Sizing<WorkerHandle>;
  readonly #successions = new Successions<WorkerHandle>();
  readonly #checkups: Checkups<WorkerHandle>;
  readonly #pause: Pause;
  #generation = 1;
  #recycled = 0;
  #draining = false;
  #swap: Promise<void> = Promise.resolve();

  constructor(options: WorkforceOptions) {
    const { threads, dispatcher, concurrency, clock, recycle, backoff, random } = options;
    this.#options = options;
    this.#staff = new Staff(options, threads.max * WORKERS_PER_PLACE, {
      ended: (worker, error) => this.#ended(worker, error),
      unfit: (worker, reason) => this.recycle(worker, reason),
      worn: (worker) => this.#checkups.look(worker),
      givenBack: (exchange) => dispatcher.requeue([exchange]),
    });
    this.#sizing = new Sizing(threads);
    this.#checkups = new Checkups({
      clock,
      threads,
      maxMemoryBytes: recycle.maxMemoryBytes,
      workers: this.#roster,
      recycle: (worker, reason) => this.recycle(worker, reason),
      looked: () => this.#shrink(),
    });
    this.#pause = new Pause({
      clock,
      backoff,
      random,
      workers: this.#roster,
      over: () => {
        dispatcher.accept();
        this.#ensure();
        this.relieve();
      },
    });
    dispatcher.roomToCome = () => concurrency * Math.max(0, threads.max - dispatcher.workers.length);
  }

  get generation(): number {
    return this.#generation;
  }

  get workers(): readonly WorkerHandle[] {
    return [...this.#staff.workers];
  }

  /** Workers that were replaced for what recycle.* says, or because they were no longer sound. */
  get recycled(): number {
    return this.#recycled;
  }

  /** How often requests have begun to wait while there were as many workers as there may be. */
  get saturations(): number {
    return this.#sizing.saturations;
  }

  /** Workers in a row that ended before they were of use; 0: all is well. */
  get failures(): number {
    return this.#pause.failures;
  }

  /** When a worker is started again after failures; undefined: nothing is held back. */
  get retryAt(): Instant | undefined {
    return this.#pause.until;
  }

  /** Boots the first generation; rejects with the first fault, when none is left alive. */
  async start(): Promise<void> {
    const team = Array.from({ length: this.#sizing.wanted }, () => this.#staff.hire(this.#generation));
    await this.#staff.allReady(team);
    this.#enlist(team);
    this.#checkups.begin();
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

  /**
   * Ends a worker once its successor is ready; until then, however many tries that takes, it serves on. False: that
   * was asked for before, or it goes anyway.
   */
  recycle(worker: WorkerHandle, reason: string): boolean {
    if (!this.#roster.has(worker) || this.#draining || !this.#successions.ask(worker)) return false;
    this.#recycled++;
    const { id, served, memoryBytes } = worker;
    this.#options.events.notice("worker is recycled", { worker: id, reason, served, memoryBytes });
    // Nobody is started just now, and it is better to serve on than to wait.
    if (this.#pause.holds) worker.serveOn();
    this.#ensure();
    return true;
  }

  /** Ends workers that hold more than memory_limit, buffers included. To be called often. */
  guardMemory(): void {
    this.#staff.guardMemory();
  }

  /** Finishes everything, at the latest at `deadline`. */
  async drain(deadline: Instant): Promise<void> {
    this.close();
    const lives = [...this.#staff.workers].map((worker) => this.#staff.gone(worker));
    for (const worker of [...this.#staff.workers]) {
      if (worker.state === "starting") worker.terminate();
      else if (worker.state === "draining") this.#staff.drain(worker, deadline);
      else this.#retire(worker, deadline);
    }
    await Promise.all(lives);
  }

  /** Nobody is started from now on. */
  close(): void {
    this.#draining = true;
    this.#pause.close();
    this.#checkups.end();
  }

  /** Sends what was written for the workers. True: not all of it; see `Lane.post`. */
  post(): boolean {
    let holding = false;
    for (const worker of this.#staff.workers) if (worker.post()) holding = true;
    return holding;
  }

  /** What the workers have served until now does not count. */
  forgetServed(): void {
    for (const worker of this.#staff.workers) worker.served = worker.open;
  }

  collect(): void {
    for (const worker of this.#staff.workers) worker.collect();
  }

  rest(): void {
    for (const worker of this.#staff.workers) worker.rest();
  }

  /** Looks whether requests wait for want of workers. To be called now and then while any are open. */
  relieve(): void {
    if (this.#draining) return;
    const { clock, dispatcher } = this.#options;
    const since = dispatcher.waitingSince;
    const oldestWaitMs = since === undefined ? undefined : clock.now() - since;
    if (oldestWaitMs !== undefined && oldestWaitMs >= SPENT_PATIENCE_MS) this.#serveOn();
    if (this.#pause.holds) return;
    const booting = this.#bootingCount();
    if (!this.#sizing.grow({ present: this.#roster.size, booting, oldestWaitMs })) return;
    this.#options.events.notice("worker is added", { workers: this.#sizing.wanted, waitedMs: oldestWaitMs }, "debug");
    this.#ensure();
  }

  async #replaceAll(): Promise<void> {
    if (this.#draining) return;
    const generation = this.#generation + 1;
    const team = Array.from({ length: this.#sizing.wanted }, () => this.#staff.hire(generation));
    await this.#staff.allReady(team);
    if (this.#draining) return;
    this.#generation = generation;
    this.#pause.heal();
    this.#options.dispatcher.accept();
    const old = [...this.#roster];
    this.#roster.clear();
    this.#enlist(team);
    for (const worker of old) this.#retire(worker);
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
    const { dispatcher, events } = this.#options;
    this.#roster.delete(worker);
    this.#successions.gone(worker);
    dispatcher.removeWorker(worker);
    if (worker.state === "starting") worker.terminate();
    if (worker.state !== "idle") return;
    dispatcher.requeue(worker.takeBack());
    this.#staff.drain(worker, deadline);
    events.stirred();
  }

  #ended(worker: WorkerHandle, error: unknown): void {
    const { dispatcher, events } = this.#options;
    const { completed } = worker;
    const wasDraining = worker.state === "draining";
    const served = worker.state === "idle" && this.#roster.has(worker);
    // Who was booting keeps its place until its failure is known, so that nobody takes it without a pause.
    if (worker.state !== "starting") this.#roster.delete(worker);
    const successor = this.#successions.gone(worker);
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
    if (served && completed === 0) this.#trouble(worker, toFaultData(death, "WORKER_LOST"));
    else if (served) this.#tryNow();
    else if (wasDraining) this.#ensure();
    events.stirred();
  }

  /** Brings the roster to the wanted number, and finds the next successor; not before a pause is over. */
  #ensure(): void {
    if (this.#draining || this.#pause.holds) return;
    const missing = this.#sizing.wanted - this.#roster.size;
    // After a failure one goes first: where it fails, the others would too.
    const hires = this.failures === 0 ? missing : Math.min(missing, 1 - this.#bootingCount());
    for (let n = 0; n < hires; n++) {
      const worker = this.#staff.hire(this.#generation);
      this.#roster.add(worker);
      void this.#boot(worker);
    }
    const next = this.#successions.next();
    // Nobody's requests are cut off for the sake of a successor.
    if (next !== undefined && this.#staff.hasRoom) void this.#succeed(next);
  }

  #bootingCount(): number {
    return [...this.#roster].filter(({ state }) => state === "starting").length;
  }

  /** Sees a worker of the roster, or who is to enter it, through its boot. True: it serves. */
  async #boot(worker: WorkerHandle): Promise<boolean> {
    try {
      await this.#staff.allReady([worker]);
    } catch (error) {
      this.#roster.delete(worker);
      this.#successions.failed(worker);
      if (worker.generation === this.#generation && !this.#draining) {
        const fault = toFaultData(error, "BOOT");
        this.#options.events.bootFailed(fault);
        this.#trouble(worker, fault);
      }
      return false;
    }
    // Its generation may have been replaced while it booted.
    if (worker.generation === this.#generation && !this.#draining) this.#enlist([worker]);
    else this.#retire(worker);
    return this.#roster.has(worker);
  }

  async #succeed(worker: WorkerHandle): Promise<void> {
    const successor = this.#staff.hire(this.#generation);
    this.#successions.begin(worker, successor);
    if (await this.#boot(successor)) this.#handOver(worker, successor, this.#options.clock.now() + BEGIN_PATIENCE_MS);
  }

  /** Both serve; the old one goes once it has begun what it was to begin. */
  #handOver(worker: WorkerHandle, successor: WorkerHandle, until: Instant): void {
    const { clock } = this.#options;
    if (worker.state === "idle" && worker.hasRequestsLeft && clock.now() < until) {
      clock.at(clock.now() + BEGIN_LOOK_MS, () => this.#handOver(worker, successor, until));
      return;
    }
    if (!this.#roster.has(successor)) this.#successions.failed(successor);
    else if (this.#successions.succeeded(successor)) this.#retire(worker);
    this.#ensure();
  }

  /** A life was of no use: the next one begins after a pause that grows with each. */
  #trouble(worker: WorkerHandle, fault: FaultData): void {
    const { dispatcher, events } = this.#options;
    if (this.#draining) return;
    const { failures, pauseMs } = this.#pause.begin(worker.startedAt);
    this.#sizing.settle(this.#roster.size);
    this.#serveOn();
    const patienceMs = fault.code === "BOOT" ? 0 : PAUSE_PATIENCE_MS;
    if (pauseMs > patienceMs && this.#roster.size === 0) {
      dispatcher.refuse(new Fault("OVERLOAD", `no worker serves, and the next one is started later: ${fault.message}`));
    }
    if (pauseMs > 0) {
      events.notice("the next worker is started after a pause", { failures, pauseMs: Math.round(pauseMs) });
    }
  }

  /** A life that was of use has ended: its place is filled at once, whatever others wait for. */
  #tryNow(): void {
    this.#pause.end();
    this.#options.dispatcher.accept();
    this.#ensure();
  }

  /** Lets workers that have had their requests serve on: their successors are late. */
  #serveOn(): void {
    for (const worker of this.#successions.workers) worker.serveOn();
  }

  #shrink(): void {
    const { clock, dispatcher } = this.#options;
    if (!this.#sizing.elastic || this.#bootingCount() > 0) return;
    const free = dispatcher.workers.filter((worker) => !this.#successions.has(worker));
    if (free.length < dispatcher.workers.length) return;
    const idle = this.#sizing.shrink(free, clock.now());
    if (idle === undefined) return;
    this.#options.events.notice("worker is retired: it had nothing to do", { worker: idle.id }, "debug");
    this.#retire(idle);
  }
}
