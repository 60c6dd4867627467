// All workers of a process, from the start of their threads until these are gone, whether they serve
// or not. Starts them, judges what they do wrong, ends them. Who serves is the workforce's.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault, type FaultData, fromFaultData } from "../base/fault.ts";
import { ESCAPED_TOLD_MAX, type EscapedError, type WorkerBoot } from "../messages/lane.ts";
import { Boots } from "./boots.ts";
import { describeDeath } from "./death.ts";
import { Departures } from "./departures.ts";
import type { Exchange } from "./exchange.ts";
import type { WorkerSource } from "./lane.ts";
import { MemoryGuard } from "./memory-guard.ts";
import { lifeSpan, type RecycleRules } from "./recycling.ts";
import type { SlowMessage } from "./slow-log.ts";
import type { OverdueHandler, WorkerEvents } from "./worker-events.ts";
import { WorkerHandle } from "./worker-handle.ts";

/** A worker with this many handlers that went on after their deadline is recycled. */
export const IGNORED_DEADLINES_MAX = 8;

export interface StaffOptions {
  readonly recycle: RecycleRules;
  /** What a worker may hold; of its heap V8 sees to that. */
  readonly memoryLimitBytes: number;
  /** Memory of everything that the workers are a part of. Default: this process's. */
  readonly residentBytes?: () => number;
  readonly concurrency: number;
  readonly requestTimeoutMs: number;
  /** After a deadline: how long until a worker whose loop does not turn is ended. */
  readonly graceMs: number;
  readonly bootTimeoutMs: number;
  readonly disposeTimeoutMs: number;
  readonly clock: Clock;
  readonly source: WorkerSource;
  readonly boot: (worker: number, generation: number) => WorkerBoot;
  readonly random?: () => number;
  readonly events: StaffEvents;
}

/** What the pool is told of its workers. */
export type StaffEvents = Pick<WorkerEvents, "log" | "loaded" | "asked" | "stirred" | "handlerFailed"> & {
  /** A worker's thread is gone, whatever the reason. */
  gone(worker: WorkerHandle): void;
  /** A worker that served is gone without having been asked to go. */
  lost(worker: WorkerHandle, fault: Fault, exchanges: number): void;
  bootFailed(fault: FaultData): void;
  notice(message: string, fields: Record<string, unknown>, level?: "info" | "debug"): void;
  /** A handler passed request.timeout or request.slow. */
  late(message: SlowMessage, worker: WorkerHandle, exchange: Exchange): void;
  /** A thread goes on after it was ended: only the end of the process helps. */
  unendable(worker: WorkerHandle): void;
};

/** What the workforce is told of them. */
export interface StaffHooks {
  /** The worker's thread is gone, with what killed it, or undefined. */
  ended(worker: WorkerHandle, error: unknown): void;
  /** It should be replaced. */
  unfit(worker: WorkerHandle, reason: string): void;
  /** It was given as many requests as its life span has. */
  worn(worker: WorkerHandle): void;
  /** It did not begin an exchange that it was given. */
  givenBack(exchange: Exchange): void;
}

export class Staff {
  readonly #options: StaffOptions;
  readonly #hooks: StaffHooks;
  readonly #most: number;
  readonly #all = new Set<WorkerHandle>();
  readonly #boots: Boots;
  readonly #departures: Departures;
  readonly #guard: MemoryGuard<WorkerHandle>;
  /** What cancels the looks at handlers that passed their deadline. */
  readonly #graces = new Map<WorkerHandle, Set<() => void>>();
  #nextId = 1;

  /** `most`: threads at one time, those that boot and those that drain included. */
  constructor(options: StaffOptions, most: number, hooks: StaffHooks) {
    const { clock, events, bootTimeoutMs } = options;
    this.#options = options;
    this.#hooks = hooks;
    this.#most = most;
    this.#boots = new Boots(clock, bootTimeoutMs);
    this.#departures = new Departures({ clock, unendable: events.unendable });
    this.#guard = new MemoryGuard(options);
  }

  /** The oldest first. */
  get workers(): ReadonlySet<WorkerHandle> {
    return this.#all;
  }

  /** Whether a worker can be started without ending one that drains. */
  get hasRoom(): boolean {
    return this.#departures.staying(this.#all) < this.#most;
  }

  /** Starts a worker, at the cost of one that drains if there must be room. */
  hire(generation: number): WorkerHandle {
    const { concurrency, requestTimeoutMs, clock, source, boot, recycle, random = Math.random } = this.#options;
    this.#makeRoom();
    const worker = new WorkerHandle({
      id: this.#nextId++,
      generation,
      concurrency,
      clock,
      requestTimeoutMs,
      span: lifeSpan(recycle, random()),
      events: this.#workerEvents(),
    });
    this.#all.add(worker);
    this.#boots.begin(worker);
    const seat = source.start(boot(worker.id, generation), worker.slots, (batch) => worker.receive(batch));
    worker.sit(seat);
    seat.life.then(
      () => this.#ended(worker, undefined),
      (error: unknown) => this.#ended(worker, error),
    );
    return worker;
  }

  /** Resolves when all are ready. Rejects with the first fault, when none of them is left alive. */
  async allReady(team: readonly WorkerHandle[]): Promise<void> {
    try {
      await this.#boots.allReady(team);
    } catch (fault) {
      const lives = team.map((worker) => this.gone(worker));
      for (const worker of team) worker.terminate();
      await Promise.all(lives);
      throw fault;
    }
  }

  /** Lets a worker finish what it has, within `deadline` or what its requests may take; it is given nothing more. */
  drain(worker: WorkerHandle, deadline?: Instant): void {
    const { clock, requestTimeoutMs, graceMs, disposeTimeoutMs } = this.#options;
    const end = deadline ?? clock.now() + requestTimeoutMs + graceMs + disposeTimeoutMs;
    if (worker.state === "idle") worker.drain(end - clock.now());
    this.#departures.endAt(worker, end);
  }

  /** Resolves when the worker's thread is gone. */
  gone(worker: WorkerHandle): Promise<void> {
    return this.#departures.gone(worker);
  }

  /** Ends workers that hold more than memory_limit, buffers included. To be called often. */
  guardMemory(): void {
    for (const worker of this.#guard.over(this.#all)) {
      const { id, memoryBytes } = worker;
      if (!this.#departures.end(worker)) continue;
      this.#options.events.notice("worker is ended: it passed memory_limit", { worker: id, memoryBytes });
    }
  }

  #makeRoom(): void {
    if (this.hasRoom) return;
    const evicted = this.#departures.evict(this.#all);
    if (evicted === undefined) return;
    this.#options.events.notice("worker is ended: it drains, and its place is needed", { worker: evicted.id });
  }

  #workerEvents(): WorkerEvents {
    const { events } = this.#options;
    return {
      ready: (worker) => this.#boots.ready(worker),
      bootFailed: (worker, data) => this.#boots.failed(worker, fromFaultData(data)),
      unsound: (worker, data) => this.#unsound(worker, data),
      overdue: (worker, late) => {
        events.late("request timed out", worker, late.exchange);
        this.#overdue(worker, late);
      },
      slow: (worker, exchange) => events.late("slow request", worker, exchange),
      worn: (worker) => this.#hooks.worn(worker),
      handlerFailed: events.handlerFailed,
      givenBack: (exchange) => this.#hooks.givenBack(exchange),
      log: events.log,
      loaded: events.loaded,
      asked: events.asked,
      stirred: events.stirred,
    };
  }

  #unsound(worker: WorkerHandle, data: EscapedError): void {
    worker.escapedErrors++;
    const last = worker.escapedErrors === ESCAPED_TOLD_MAX ? { further: "no more of this worker are logged" } : {};
    const fields = { ...data.about, stack: data.stack, ...last };
    this.#options.events.log(worker, { level: "error", message: data.message, fields });
    this.#hooks.unfit(worker, "an error escaped its handlers");
  }

  #overdue(worker: WorkerHandle, late: OverdueHandler): void {
    const { clock, graceMs } = this.#options;
    const graces = this.#graces.get(worker) ?? new Set();
    this.#graces.set(worker, graces);
    const cancel = clock.at(clock.now() + graceMs, () => {
      graces.delete(cancel);
      this.#graceOver(worker, late);
    });
    graces.add(cancel);
  }

  #graceOver(worker: WorkerHandle, late: OverdueHandler): void {
    if (late.finished()) return;
    if (!late.loopTurned()) {
      if (!this.#departures.end(worker)) return;
      this.#options.events.notice("worker is ended: its event loop does not turn", { worker: worker.id });
      return;
    }
    worker.ignoredDeadlines++;
    if (worker.ignoredDeadlines >= IGNORED_DEADLINES_MAX) {
      this.#hooks.unfit(worker, `${IGNORED_DEADLINES_MAX} handlers went on after their deadline`);
    }
  }

  #ended(worker: WorkerHandle, error: unknown): void {
    this.#all.delete(worker);
    this.#departures.left(worker);
    for (const cancel of this.#graces.get(worker) ?? []) cancel();
    this.#graces.delete(worker);
    this.#hooks.ended(worker, error);
    this.#options.events.gone(worker);
    const fault = new Fault("BOOT", `the worker ended before the app was loaded: ${describeDeath(error).message}`, {
      cause: error,
    });
    this.#boots.failed(worker, fault);
    this.#boots.forget(worker);
  }
}
