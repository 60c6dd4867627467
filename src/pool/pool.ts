// A pool process: gateway, dispatcher and workforce joined. boot → ready → drain → gone.
// Never runs user code, never waits for a worker.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault, type FaultData, isError, toFaultData } from "../base/fault.ts";
import { contentLength, requestFields } from "../cgi/variables.ts";
import type { PoolConfig } from "../config/schema.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { WorkerBoot } from "../messages/lane.ts";
import type { PoolStatus } from "../messages/lifecycle.ts";
import type { Log } from "../telemetry/log.ts";
import { Counters } from "./counters.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Exchange, type Outcome } from "./exchange.ts";
import type { Gateway, GatewayHost, GatewayOptions, IncomingRequest } from "./gateway.ts";
import { HoldfastGateway } from "./gateway-holdfast.ts";
import { NodeFastCgiGateway } from "./gateway-node-fastcgi.ts";
import { LogLimit } from "./log-limit.ts";
import { type OwnReply, ownPathFinder } from "./own-paths.ts";
import { replyWith } from "./roomy-reply.ts";
import { Threads } from "./threads.ts";
import { Turns } from "./turns.ts";
import { Watch } from "./watch.ts";
import type { WorkerHandle } from "./worker-handle.ts";
import { WORKERS_PER_PLACE, Workforce } from "./workforce.ts";

export interface PoolOptions {
  readonly config: PoolConfig;
  readonly generation: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Folder for transpiled code; undefined: kept in memory only. */
  readonly cacheDir: string | undefined;
  /** A thread cannot be ended: this process has to be replaced. */
  readonly unendable: () => void;
}

const GATEWAY_SWEEP_MS = 1000;

export class Pool implements GatewayHost {
  readonly clock: Clock;
  readonly #config: PoolConfig;
  readonly #generation: number;
  readonly #log: Log;
  readonly #startedAt: Instant;
  readonly #counters = new Counters();
  readonly #logLimit: LogLimit;
  readonly #dispatcher: Dispatcher<WorkerHandle>;
  readonly #threads: Threads;
  readonly #workforce: Workforce;
  readonly #turns: Turns;
  readonly #gateway: Gateway;
  readonly #ownReply: (params: Buffer) => OwnReply | undefined;
  readonly #watch: Watch | undefined;
  #lastBootFault: FaultData | undefined;
  #gatewaySweep: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    const { config, clock, log } = options;
    const { queue, request } = config;
    this.clock = clock;
    this.#config = config;
    this.#generation = options.generation;
    this.#log = log;
    this.#logLimit = new LogLimit(clock);
    this.#startedAt = clock.now();
    this.#ownReply = ownPathFinder(config.status);
    this.#dispatcher = new Dispatcher<WorkerHandle>({
      queueMax: queue.max,
      queueTimeoutMs: queue.timeoutMs,
      requestTimeoutMs: request.timeoutMs,
      bodyTimeoutMs: request.bodyTimeoutMs,
      stallTimeoutMs: request.stallTimeoutMs,
      clock,
    });
    this.#threads = new Threads({
      maxThreads: config.threads * WORKERS_PER_PLACE,
      memoryLimitBytes: config.memoryLimitBytes,
      onError: (error) => log.error("a worker thread had trouble", { ...toFaultData(error, "WORKER_LOST") }),
    });
    this.#workforce = new Workforce({
      wanted: config.threads,
      concurrency: config.concurrency,
      requestTimeoutMs: request.timeoutMs,
      graceMs: request.graceMs,
      bootTimeoutMs: config.bootTimeoutMs,
      disposeTimeoutMs: config.disposeTimeoutMs,
      clock,
      source: this.#threads,
      dispatcher: this.#dispatcher,
      boot: (worker, generation) => this.#workerBoot(worker, generation, options.cacheDir),
      events: this.#workforceEvents(options.unendable),
    });
    this.#turns = new Turns({ clock, dispatcher: this.#dispatcher, post: () => this.#workforce.post() });
    const gatewayOptions: GatewayOptions = {
      limits: {
        paramsBytes: request.paramsLimitBytes,
        paramsCount: request.paramsCount,
        openRequests: config.connections.openRequests,
        receiveTimeoutMs: request.receiveTimeoutMs,
        stallTimeoutMs: request.stallTimeoutMs,
      },
      allowedClients: config.allowedClients,
      host: this,
    };
    this.#gateway =
      config.gateway === "node-fastcgi" ? new NodeFastCgiGateway(gatewayOptions) : new HoldfastGateway(gatewayOptions);
    if (config.watch) {
      this.#watch = new Watch(
        (path) => void this.#reloadWorkers(path),
        (error) => log.warn("cannot watch for changes", { ...toFaultData(error, "BOOT") }),
      );
    }
  }

  /** Boots every worker, then accepts. Rejects with Fault BOOT or LISTEN. */
  async start(on: Parameters<Gateway["listen"]>[0]): Promise<void> {
    await this.#workforce.start();
    await this.#gateway.listen(on, this.#config.listenBacklog);
    this.#gatewaySweep = setInterval(() => this.#gateway.sweep(), GATEWAY_SWEEP_MS);
  }

  /** Accepts nothing new, answers what is open, ends the workers; at the latest at `deadline`. */
  async drain(deadline: Instant): Promise<void> {
    await this.#watch?.close();
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.at(deadline, resolve);
    });
    await Promise.race([this.#gateway.drain(), late]);
    this.#dispatcher.failAll(new Fault("OVERLOAD", "the pool is stopping"));
    this.#turns.stirred();
    await this.#workforce.drain(deadline);
    cancel();
    await this.close();
  }

  /** Ends everything now. */
  async close(): Promise<void> {
    clearInterval(this.#gatewaySweep);
    this.#workforce.close();
    await this.#watch?.close();
    await this.#gateway.close();
    await this.#threads.close();
  }

  status(): PoolStatus {
    const now = this.clock.now();
    const counters = this.#counters;
    return {
      pid: process.pid,
      generation: this.#generation,
      uptimeMs: Math.round(now - this.#startedAt),
      workersGeneration: this.#workforce.generation,
      connections: this.#gateway.connections,
      queue: this.#dispatcher.queued,
      queueMax: this.#config.queue.max,
      open: this.#dispatcher.open,
      accepted: counters.accepted,
      served: counters.served,
      refused: counters.refused,
      failed: counters.failed,
      timedOut: counters.timedOut,
      aborted: counters.aborted,
      workersLost: counters.workersLost,
      residentBytes: process.memoryUsage.rss(),
      workers: this.#workforce.workers.map((worker) => ({
        worker: worker.id,
        generation: worker.generation,
        state: worker.visibleState,
        open: worker.open,
        served: worker.served,
        uptimeMs: Math.round(now - worker.startedAt),
      })),
      ...(this.#lastBootFault === undefined ? {} : { lastBootFault: this.#lastBootFault }),
    };
  }

  // ---- GatewayHost -------------------------------------------------------------------------------

  open(request: IncomingRequest): Exchange {
    this.#counters.accepted++;
    let own: OwnReply | undefined;
    let length: number | undefined;
    let fault: Fault | undefined;
    try {
      own = this.#ownReply(request.params);
      length = contentLength(new Params(request.params));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
    }
    const limit = this.#config.request.bodyLimitBytes;
    if (length !== undefined && length > limit) {
      fault = new Fault("LIMIT", `CONTENT_LENGTH ${length} is over request.body_limit (${limit} bytes)`);
    }
    const exchange = new Exchange({
      role: request.role,
      params: request.params,
      peer: request.peer,
      contentLength: length,
      bodyLimitBytes: limit,
      clock: this.clock,
      arrived: this.#arrived,
      closed: this.#closed,
    });
    if (fault !== undefined) exchange.fail(fault);
    else if (own !== undefined) replyWith(exchange, own.head, own.body);
    else {
      this.#dispatcher.submit(exchange);
      this.#turns.opened();
      this.#turns.stirred();
    }
    return exchange;
  }

  refused(fault: Fault): void {
    this.#counters.accepted++;
    this.#counters.refused++;
    this.#logFault(fault);
  }

  connectionFault(fault: Fault): void {
    const suppressed = this.#logLimit.admit("connection ended");
    if (suppressed === undefined) return;
    const fields = { code: fault.code, reason: fault.message, ...(suppressed > 0 ? { suppressed } : {}) };
    if (isError(fault.cause)) this.#log.error("connection ended", { ...fields, stack: fault.cause.stack });
    else this.#log.info("connection ended", fields);
  }

  readonly #arrived = (exchange: Exchange): void => {
    this.#dispatcher.arrived(exchange);
    this.#turns.stirred();
  };

  readonly #closed = (exchange: Exchange, outcome: Outcome, fault?: Fault): void => {
    this.#counters.closed(outcome, fault?.code);
    this.#dispatcher.forget(exchange);
    if (fault !== undefined) this.#logFault(fault, exchange.params);
  };

  // ---- the rest ----------------------------------------------------------------------------------

  #logFault(fault: Fault, params?: Buffer): void {
    const suppressed = this.#logLimit.admit(fault.code);
    if (suppressed === undefined) return;
    const request = params === undefined ? {} : requestFields(new Params(params));
    const fields = { ...request, code: fault.code, status: fault.status, reason: fault.message };
    this.#log.warn("request refused", suppressed > 0 ? { ...fields, suppressed } : fields);
  }

  #workerBoot(worker: number, generation: number, cacheDir: string | undefined): WorkerBoot {
    const config = this.#config;
    return {
      worker,
      generation,
      pool: config.name,
      app: config.app,
      root: config.root,
      kind: config.kind,
      mount: config.mount,
      index: config.index,
      serveStatic: config.serveStatic,
      showErrors: config.showErrors,
      bodyLimitBytes: config.request.bodyLimitBytes,
      disposeTimeoutMs: config.disposeTimeoutMs,
      cacheDir,
    };
  }

  #workforceEvents(unendable: () => void): ConstructorParameters<typeof Workforce>[0]["events"] {
    return {
      stirred: () => this.#turns.stirred(),
      handlerFailed: () => {
        this.#counters.failed++;
      },
      loaded: (path) => this.#watch?.add(path),
      log: (worker, { level, message, fields }) => this.#log[level](message, { worker: worker.id, ...fields }),
      notice: (message, fields) => this.#log.info(message, fields),
      unendable: (worker) => {
        this.#log.error("a worker's thread cannot be ended; the process is replaced", { worker: worker.id });
        unendable();
      },
      lost: (worker, fault, exchanges) => {
        this.#counters.workersLost++;
        const cause = isError(fault.cause) ? { stack: fault.cause.stack } : {};
        this.#log.error("worker lost", { worker: worker.id, exchanges, reason: fault.message, ...cause });
      },
      bootFailed: (fault) => {
        this.#lastBootFault = fault;
        this.#log.error("a worker did not start", { reason: fault.message, stack: fault.stack });
      },
    };
  }

  async #reloadWorkers(path: string): Promise<void> {
    try {
      await this.#workforce.replaceAll();
      this.#lastBootFault = undefined;
      this.#log.info("reloaded", { changed: path, generation: this.#workforce.generation });
    } catch (error) {
      const fault = toFaultData(error, "BOOT");
      this.#lastBootFault = fault;
      this.#log.error("the change does not load; the workers before it serve on", {
        changed: path,
        reason: fault.message,
        stack: fault.stack,
      });
    }
  }
}
