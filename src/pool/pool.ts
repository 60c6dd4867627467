// A pool process: gateway, dispatcher and workforce joined. boot → ready → drain → gone.
// Never runs user code, never waits for a worker.

import { dirname } from "node:path";
import type { Clock, Instant } from "../base/clock.ts";
import { type FaultData, toFaultData } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import type { PoolStatus } from "../messages/lifecycle.ts";
import type { Log, WriteLine } from "../telemetry/log.ts";
import { AccessLog } from "./access-log.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Drain } from "./drain.ts";
import type { Gateway, GiveAway } from "./gateway.ts";
import type { WorkerSource } from "./lane.ts";
import { LiveReload } from "./live-reload.ts";
import { gatewayLimits, makeGateway } from "./make-gateway.ts";
import { OutputLog } from "./output-log.ts";
import { ownPathFinder } from "./own-paths.ts";
import { PoolLog } from "./pool-log.ts";
import { ProcessMemory } from "./process-memory.ts";
import { Reception } from "./reception.ts";
import { REHEARSAL_REQUESTS, rehearse } from "./rehearsal.ts";
import { ReloadOnChange } from "./reload-on-change.ts";
import { SlowLog } from "./slow-log.ts";
import { SharedState } from "./state/shared-state.ts";
import { statusPages } from "./status/pages.ts";
import { Statistics, TICK_MS } from "./status/statistics.ts";
import { Tidying } from "./tidying.ts";
import { Turns } from "./turns.ts";
import { workerBoot } from "./worker-boot.ts";
import type { WorkerHandle } from "./worker-handle.ts";
import { openWorkerSource } from "./worker-source.ts";
import { WORKERS_PER_PLACE, Workforce } from "./workforce.ts";

export interface PoolOptions {
  readonly config: PoolConfig;
  readonly generation: number;
  readonly clock: Clock;
  readonly log: Log;
  /** A longer line that a worker prints becomes several. */
  readonly logLimitBytes: number;
  /** Takes lines of the access log; undefined: none is kept. */
  readonly access?: WriteLine | undefined;
  /** Folder for transpiled code; undefined: kept in memory only. */
  readonly cacheDir: string | undefined;
  /** A thread cannot be ended: this process has to be replaced. */
  readonly unendable: () => void;
  /** This process is to be replaced, and serves until then. */
  readonly replace: (reason: string) => void;
  /** Called once, when an app's handler has answered a request. */
  readonly proven: () => void;
  /** Called when all connections went to another process: what is left to do keeps nobody waiting. */
  readonly forsaken: () => void;
}

const GATEWAY_SWEEP_MS = 1000;

export class Pool {
  /** What the workers share. */
  readonly shared: SharedState;
  readonly #config: PoolConfig;
  readonly #clock: Clock;
  readonly #statistics: Statistics;
  readonly #says: PoolLog;
  readonly #output: OutputLog;
  readonly #access: AccessLog | undefined;
  readonly #slowLog: SlowLog;
  readonly #dispatcher: Dispatcher<WorkerHandle>;
  readonly #source: WorkerSource;
  readonly #workforce: Workforce;
  readonly #turns: Turns;
  readonly #gateway: Gateway;
  readonly #changes: ReloadOnChange | undefined;
  readonly #live: LiveReload | undefined;
  readonly #memory: ProcessMemory;
  readonly #replace: (reason: string) => void;
  readonly #drain: Drain;
  readonly #tidying = new Tidying();
  #gatewaySweep: NodeJS.Timeout | undefined;
  #statisticsTick: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    const { config, clock, log } = options;
    const { queue, request } = config;
    this.#config = config;
    this.#clock = clock;
    this.#says = new PoolLog(log, clock);
    this.#output = new OutputLog(log, clock);
    if (options.access !== undefined) this.#access = new AccessLog({ config, clock, write: options.access });
    this.#memory = new ProcessMemory({ limitBytes: config.recycle.maxProcessMemoryBytes, clock });
    this.#replace = options.replace;
    this.shared = new SharedState({
      clock,
      memoryBytes: config.cache.memoryBytes,
      valueLimitBytes: config.cache.valueLimitBytes,
      persist: config.cache.persist,
      stirred: () => this.#turns.stirred(),
      inherited: (entries, trouble) => this.#says.inherited(entries, trouble),
      overheld: (name, worker, heldMs) => this.#says.lockOverheld(name, worker, heldMs),
    });
    this.#slowLog = new SlowLog({ clock, log, limit: this.#says.limit });
    this.#dispatcher = new Dispatcher<WorkerHandle>({
      queueMax: queue.max,
      queueTimeoutMs: queue.timeoutMs,
      requestTimeoutMs: request.timeoutMs,
      slowMs: request.slowMs,
      bodyTimeoutMs: request.bodyTimeoutMs,
      stallTimeoutMs: request.stallTimeoutMs,
      clock,
    });
    const { source, residentBytes } = openWorkerSource({
      config,
      most: config.threads.max * WORKERS_PER_PLACE,
      log,
      output: this.#output,
      replace: options.replace,
    });
    this.#source = source;
    this.#workforce = new Workforce({
      threads: config.threads,
      recycle: config.recycle,
      memoryLimitBytes: config.memoryLimitBytes,
      ...(residentBytes === undefined ? {} : { residentBytes }),
      concurrency: config.concurrency,
      requestTimeoutMs: request.timeoutMs,
      graceMs: request.graceMs,
      bootTimeoutMs: config.bootTimeoutMs,
      disposeTimeoutMs: config.disposeTimeoutMs,
      clock,
      source,
      dispatcher: this.#dispatcher,
      boot: (worker, generation) => {
        this.#statistics.counters.workersStarted++;
        const live = this.#live?.boot(generation);
        const { logLimitBytes, cacheDir } = options;
        return workerBoot(config, { worker, generation, live, logLimitBytes, cacheDir });
      },
      events: this.#workforceEvents(options),
    });
    this.#statistics = new Statistics({
      config,
      generation: options.generation,
      clock,
      dispatcher: this.#dispatcher,
      workforce: this.#workforce,
      shared: this.shared,
      gateway: () => this.#gateway,
    });
    if (config.liveReload) {
      const { mount, editor } = config;
      this.#live = new LiveReload({ mount, editor, clock, generation: () => this.#workforce.generation });
    }
    const ownReply = ownPathFinder({
      ...this.#live?.pages,
      ...statusPages({
        paths: config.status,
        statistics: this.#statistics,
        denied: ({ params }, reason) => this.#says.statusRefused(params, reason),
      }),
    });
    this.#turns = new Turns({
      clock,
      dispatcher: this.#dispatcher,
      collect: () => this.#workforce.collect(),
      rest: () => this.#workforce.rest(),
      swept: () => this.#workforce.guardMemory(),
      relieve: () => this.#workforce.relieve(),
      post: () => {
        const holding = this.#workforce.post();
        this.#statistics.turned();
        return holding;
      },
    });
    const reception = new Reception({
      clock,
      bodyLimitBytes: request.bodyLimitBytes,
      ownReply,
      dispatcher: this.#dispatcher,
      turns: this.#turns,
      counters: this.#statistics.counters,
      says: this.#says,
      access: this.#access,
      proven: options.proven,
    });
    this.#gateway = makeGateway(config, reception);
    if (config.watch) {
      this.#changes = new ReloadOnChange({
        live: this.#live,
        folder: config.root ?? (config.app === undefined ? undefined : dirname(config.app)),
        replaceAll: () => this.#workforce.replaceAll(),
        settled: (path, fault) => this.#changed(path, fault),
        failed: (error) => log.warn("cannot watch for changes", { ...toFaultData(error, "BOOT") }),
      });
    }
    this.#drain = new Drain({
      clock,
      gateway: this.#gateway,
      dispatcher: this.#dispatcher,
      workforce: this.#workforce,
      shared: this.shared,
      stirred: () => this.#turns.stirred(),
      forsaken: options.forsaken,
      close: () => this.close(),
    });
  }

  /** Boots every worker. Rejects with Fault BOOT. */
  async boot(): Promise<void> {
    this.#statisticsTick = setInterval(() => {
      this.#statistics.tick();
      this.shared.tick();
      this.#lookAtMemory();
      this.#tidying.look({
        threads: this.#source.alive,
        open: this.#dispatcher.open,
        accepted: this.#statistics.counters.accepted,
      });
    }, TICK_MS);
    await this.#workforce.start();
  }

  /**
   * Runs, once it has booted, what requests run, without the app, so that it is compiled when they come. Resolves
   * with the number of requests that were answered. Rejects where no socket is to be had.
   */
  async rehearse(): Promise<number> {
    const { threads, concurrency, recycle } = this.#config;
    const answered = await rehearse({
      clock: this.#clock,
      limits: gatewayLimits(this.#config),
      dispatcher: this.#dispatcher,
      turns: this.#turns,
      room: threads.min * concurrency,
      // Nobody is to be worn out by it.
      ...(recycle.maxRequests === 0
        ? {}
        : { requests: Math.min(REHEARSAL_REQUESTS, Math.floor(recycle.maxRequests / 4)) }),
    });
    this.#workforce.forgetServed();
    this.#statistics.forgetPeaks();
    return answered;
  }

  /** Accepts, once it has booted. Rejects with Fault LISTEN. */
  async listen(on: Parameters<Gateway["listen"]>[0]): Promise<void> {
    await this.#gateway.listen(on, this.#config.listenBacklog);
    this.#gatewaySweep = setInterval(() => this.#gateway.sweep(), GATEWAY_SWEEP_MS);
  }

  /** Takes a connection that another process of the pool accepted. */
  adopt(...connection: Parameters<Gateway["adopt"]>): void {
    this.#gateway.adopt(...connection);
  }

  /**
   * Accepts nothing new, answers what is open, ends the workers; at the latest at `deadline`. The
   * connections end, or are given away. Called again, an earlier deadline counts, and the latest way
   * with the connections.
   */
  drain(deadline: Instant, giveAway?: GiveAway): Promise<void> {
    this.releasePages();
    this.#statistics.draining = true;
    // It sees nothing more from here on; what it takes to end is not waited for.
    void this.#changes?.close();
    return this.#drain.by(deadline, giveAway);
  }

  /** Pages that wait for a change are answered, and wait no more. */
  releasePages(): void {
    this.#live?.leave();
  }

  /** Ends everything now. */
  async close(): Promise<void> {
    clearInterval(this.#gatewaySweep);
    clearInterval(this.#statisticsTick);
    this.#statistics.close();
    this.#workforce.close();
    this.releasePages();
    await this.#changes?.close();
    await this.#gateway.close();
    await this.#source.close();
    this.#output.close();
    this.shared.close();
    this.#access?.flush();
  }

  status(): PoolStatus {
    return this.#statistics.status();
  }

  #workforceEvents({ log, unendable }: PoolOptions): ConstructorParameters<typeof Workforce>[0]["events"] {
    return {
      stirred: () => this.#turns.stirred(),
      handlerFailed: () => {
        this.#statistics.counters.failed++;
      },
      loaded: (path, ready) => {
        if (ready) this.#live?.handlerLoaded(path);
        else this.#changes?.loaded(path);
      },
      asked: (worker, ask) => this.shared.asked(worker, ask),
      gone: (worker) => this.shared.forget(worker.id),
      log: (worker, { level, message, fields }) => log[level](message, { worker: worker.id, ...fields }),
      notice: (message, fields, level = "info") => log[level](message, fields),
      late: (message, worker, exchange) => this.#slowLog.note(message, worker, exchange),
      unendable: (worker) => {
        this.#says.workerUnendable(worker.id);
        unendable();
      },
      lost: (worker, fault, exchanges) => {
        this.#statistics.counters.workersLost++;
        this.#says.workerLost(worker.id, fault, exchanges);
      },
      bootFailed: (fault) => {
        this.#statistics.counters.bootFailures++;
        this.#statistics.bootFault = fault;
        this.#says.workerNotStarted(fault);
      },
    };
  }

  #lookAtMemory(): void {
    // Also what handlers leave behind that have answered.
    this.#workforce.guardMemory();
    const reason = this.#memory.look();
    if (reason !== undefined) this.#replace(reason);
  }

  #changed(path: string, fault: FaultData | undefined): void {
    this.#statistics.changeFault = fault;
    if (fault === undefined) this.#says.reloaded(path, this.#workforce.generation);
    else this.#says.notReloaded(path, fault);
  }
}
