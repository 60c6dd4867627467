// What a pool process knows of itself: its counters, and a look at everything else once a second. What
// is shown anywhere (status page, metrics, `holdfast status`) is the PoolStatus that is made here.

import type { Clock, Instant } from "../../base/clock.ts";
import type { FaultData } from "../../base/fault.ts";
import { VERSION } from "../../base/version.ts";
import type { PoolConfig } from "../../config/schema.ts";
import type { PoolStatus, WorkerStatus } from "../../messages/lifecycle.ts";
import { Counters } from "../counters.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Gateway } from "../gateway.ts";
import { LATELY_TICKS, Latencies } from "../latencies.ts";
import { Peaks } from "../peaks.ts";
import type { SharedState } from "../state/shared-state.ts";
import type { WorkerHandle } from "../worker-handle.ts";
import type { Workforce } from "../workforce.ts";
import { Backlog } from "./backlog.ts";
import { History, type HistoryReport } from "./history.ts";
import { LoopDelay } from "./loop-delay.ts";
import { Pulse } from "./pulse.ts";
import { readiness, STUCK_MS } from "./readiness.ts";
import { openRequests } from "./requests.ts";

/** How often everything is looked at. */
export const TICK_MS = 1000;

export interface StatisticsOptions {
  readonly config: PoolConfig;
  readonly generation: number;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher<WorkerHandle>;
  readonly workforce: Workforce;
  readonly shared: Pick<SharedState, "counts">;
  readonly gateway: () => Pick<Gateway, "connections" | "accepted">;
}

export class Statistics {
  readonly counters: Counters;
  readonly #options: StatisticsOptions;
  readonly #startedAt: Instant;
  readonly #latencies: Latencies;
  readonly #peaks = new Peaks();
  readonly #loopDelay: LoopDelay;
  readonly #history = new History();
  readonly #pulse: Pulse;
  readonly #backlog: Backlog;
  /** The newest first; what was accepted until then. */
  readonly #acceptedAt: number[] = [0];
  #tickedAt: Instant;
  #restarts = 0;
  #errors = 0;
  #residentPeakBytes = 0;
  draining = false;
  /** Why the last worker that did not come up did not. */
  bootFault: FaultData | undefined;
  /** Why the last change of the app was not taken over; undefined once one is. */
  changeFault: FaultData | undefined;

  constructor(options: StatisticsOptions) {
    const { clock, config } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#tickedAt = this.#startedAt;
    this.#latencies = new Latencies(clock);
    this.counters = new Counters(this.#latencies);
    this.#loopDelay = new LoopDelay(clock);
    this.#pulse = new Pulse(clock);
    this.#backlog = new Backlog(config.listen);
  }

  /** To be called at the end of each turn in which something was given out. */
  turned(): void {
    this.#peaks.look(this.#options.dispatcher);
  }

  /** What was asked until now does not count. */
  forgetPeaks(): void {
    this.#peaks.forget();
  }

  /** To be called every TICK_MS. */
  tick(): void {
    const { clock, dispatcher, workforce } = this.#options;
    const { counters } = this;
    const now = clock.now();
    const { workers } = workforce;
    const before = this.#acceptedAt[0] ?? 0;
    const seconds = Math.max(0.001, (now - this.#tickedAt) / 1000);
    this.#acceptedAt.unshift(counters.accepted);
    this.#acceptedAt.length = Math.min(this.#acceptedAt.length, LATELY_TICKS + 1);
    this.#tickedAt = now;
    void this.#backlog.tick();
    this.#pulse.look(workers);
    const times = this.#latencies.tick();
    const loopDelay = this.#loopDelay.tick(counters.accepted > before);
    const memory = new Map(workers.flatMap(({ id, memoryBytes }) => (memoryBytes > 0 ? [[id, memoryBytes]] : [])));
    const residentBytes = this.#resident();
    const restarts = counters.workersLost + workforce.recycled;
    const errors = counters.refused + counters.cut + counters.failed;
    this.#history.add(
      {
        atMs: Math.round(now - this.#startedAt),
        requests: (counters.accepted - before) / seconds,
        p50Ms: times.p50Ms,
        p95Ms: times.p95Ms,
        p99Ms: times.p99Ms,
        queue: dispatcher.queued,
        open: dispatcher.open,
        busy: workers.filter(({ open }) => open > 0).length,
        workers: workers.length,
        loopDelayMs: loopDelay.maxMs,
        residentBytes,
        utilization: this.#pulse.average,
        workersBytes: [...memory.values()].reduce((sum, bytes) => sum + bytes, 0),
        restarts: restarts - this.#restarts,
        errors: errors - this.#errors,
      },
      memory,
    );
    this.#restarts = restarts;
    this.#errors = errors;
  }

  history(sinceMs?: number): HistoryReport {
    return this.#history.report(sinceMs);
  }

  /** Whether requests are served, and if not, why; for the ready path. */
  get readiness(): string | undefined {
    const serving = this.#options.workforce.workers.filter(({ state }) => state === "idle");
    return readiness({
      draining: this.draining,
      serving: serving.length > 0,
      stuck: serving.length > 0 && serving.every((worker) => this.#pulse.of(worker).unresponsiveMs >= STUCK_MS),
      onDemand: this.#options.config.threads.min === 0,
      // On demand the next request is a try, once a pause is over.
      failed: this.#options.workforce.retryAt !== undefined,
    });
  }

  /** `full`: with the requests that each worker has open. */
  status({ full = false } = {}): PoolStatus {
    const { config, generation, clock, dispatcher, workforce } = this.#options;
    const { connections, accepted: connectionsAccepted } = this.#options.gateway();
    const now = clock.now();
    const { counters } = this;
    const residentBytes = this.#resident();
    const cpu = process.cpuUsage();
    const backlog = this.#backlog.waiting;
    return {
      pool: config.name,
      pid: process.pid,
      processes: config.processes,
      version: VERSION,
      node: process.version,
      generation,
      startedAtMs: Math.round(performance.timeOrigin + performance.now() - (now - this.#startedAt)),
      uptimeMs: Math.round(now - this.#startedAt),
      ready: this.readiness === undefined,
      workersGeneration: workforce.generation,
      connections,
      connectionsAccepted,
      ...(backlog === undefined ? {} : { backlog }),
      queue: dispatcher.queued,
      queueMax: config.queue.max,
      queuePeak: this.#peaks.queue,
      open: dispatcher.open,
      openPeak: this.#peaks.open,
      accepted: counters.accepted,
      served: counters.served,
      own: counters.own,
      refused: counters.refused,
      cut: counters.cut,
      aborted: counters.aborted,
      failed: counters.failed,
      timedOut: counters.timedOut,
      slow: counters.slow,
      responses: [...counters.responses],
      faults: { ...counters.faults },
      threads: config.threads,
      workersMax: config.threads.max,
      workersBusyPeak: this.#peaks.busyWorkers,
      workersStarted: counters.workersStarted,
      workersRecycled: workforce.recycled,
      workersLost: counters.workersLost,
      bootFailures: counters.bootFailures,
      saturated: workforce.saturations,
      residentBytes,
      residentPeakBytes: this.#residentPeakBytes,
      cpuMs: Math.round((cpu.user + cpu.system) / 1000),
      durations: this.#latencies.durations(),
      recent: {
        requestsPerSecond: this.#requestsPerSecond(),
        total: this.#latencies.lately,
        loopDelay: this.#loopDelay.lately,
      },
      workers: workforce.workers.map((worker) => this.#worker(worker, now, full)),
      ...this.#options.shared.counts,
      ...this.#trouble(now),
    };
  }

  close(): void {
    this.#loopDelay.close();
  }

  #trouble(now: Instant): Pick<PoolStatus, "lastBootFault" | "crashLoop"> {
    const { failures, retryAt } = this.#options.workforce;
    const fault = this.changeFault ?? (failures > 0 ? this.bootFault : undefined);
    return {
      ...(fault === undefined ? {} : { lastBootFault: fault }),
      ...(failures === 0
        ? {}
        : { crashLoop: { failures, retryInMs: Math.max(0, Math.round((retryAt ?? now) - now)) } }),
    };
  }

  #worker(worker: WorkerHandle, now: Instant, full: boolean): WorkerStatus {
    const { utilization, unresponsiveMs } = this.#pulse.of(worker);
    return {
      worker: worker.id,
      ...(worker.pid === undefined ? {} : { pid: worker.pid }),
      generation: worker.generation,
      state: worker.visibleState,
      open: worker.open,
      served: worker.served,
      uptimeMs: Math.round(now - worker.startedAt),
      unresponsiveMs: Math.round(unresponsiveMs),
      ...(worker.memoryBytes > 0 ? { memoryBytes: worker.memoryBytes } : {}),
      ...(utilization === undefined ? {} : { utilization }),
      ...(full ? { requests: openRequests(worker.exchanges, now) } : {}),
    };
  }

  #requestsPerSecond(): number {
    const newest = this.#acceptedAt[0] ?? 0;
    const oldest = this.#acceptedAt.at(-1) ?? 0;
    const seconds = ((this.#acceptedAt.length - 1) * TICK_MS) / 1000;
    return seconds === 0 ? 0 : (newest - oldest) / seconds;
  }

  #resident(): number {
    const bytes = process.memoryUsage.rss();
    // The kernel's own record knows what was between two looks.
    this.#residentPeakBytes = Math.max(this.#residentPeakBytes, bytes, process.resourceUsage().maxRSS * 1024);
    return bytes;
  }
}
