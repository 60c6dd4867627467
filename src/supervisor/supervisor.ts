// The loop that keeps what runs equal to what is wanted. Events only wake it; plan() looks at
// everything and says what to do. It never accepts a connection, never reads a byte of a request and
// never loads code of an app.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault, fromFaultData, toFaultData } from "../base/fault.ts";
import { formatAddress } from "../config/address.ts";
import { nearest } from "../config/nearest.ts";
import type { Config, PoolConfig } from "../config/schema.ts";
import type { StatusReport } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import type { Address } from "./addresses.ts";
import { type Environment, poolEnvironment } from "./environment.ts";
import { afterLife, NO_HISTORY, type PoolHistory } from "./history.ts";
import { type Identity, poolIdentity } from "./identity.ts";
import { type Action, type ProcessView, plan, type Wanted } from "./plan.ts";
import { PoolHandle } from "./pool-handle.ts";
import { reportStatus } from "./report.ts";

/** How long a pool process may take to answer a ping, ms. */
const PING_TIMEOUT_MS = 5000;
/** The same for its part of a status report: a stuck pool must not hide the others, ms. */
const STATUS_TIMEOUT_MS = 2000;

export interface SupervisorOptions {
  readonly log: Log;
  readonly logFormat: "json" | "pretty";
  readonly clock: Clock;
  /** The program of a pool process, a path. */
  readonly entry: string;
}

/** A pool with what it needs to be started again and again. */
interface Pool {
  readonly config: PoolConfig;
  readonly address: Address;
  readonly identity: Identity | undefined;
  readonly environment: Environment;
  generation: number;
  history: PoolHistory;
}

export class Supervisor {
  readonly #config: Config;
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #pools: ReadonlyMap<string, Pool>;
  readonly #processes = new Map<number, PoolHandle>();
  readonly #startedAt: Instant;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #endBy: Instant | undefined;
  #failure: Fault | undefined;
  #nextId = 1;
  #turning = false;
  #cancelWake: () => void = () => {};

  /** `addresses` are bound, one per pool in the same order. Throws CONFIG when a pool may not run as it says. */
  constructor(config: Config, addresses: readonly Address[], options: SupervisorOptions) {
    this.#config = config;
    this.#options = options;
    this.#log = options.log;
    this.#startedAt = options.clock.now();
    this.#pools = new Map(
      config.pools.flatMap((pool, index) => {
        const address = addresses[index];
        if (address === undefined) return [];
        const identity = poolIdentity(pool);
        const environment = poolEnvironment(pool, process.env, identity);
        return [[pool.name, { config: pool, address, identity, environment, generation: 1, history: NO_HISTORY }]];
      }),
    );
    // Who only waits for the end must not be ended by an unhandled rejection.
    this.#ready.promise.catch(() => {});
  }

  /** Resolves when every pool serves for the first time; rejects when one of them cannot. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when no process is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Why the first start failed, if it did. */
  get failure(): Fault | undefined {
    return this.#failure;
  }

  start(): void {
    this.#turn();
  }

  /** Lets everything finish within the stop timeout. Asking again changes nothing. */
  stop(reason: string): void {
    if (this.#endBy !== undefined) return;
    const { stopTimeoutMs } = this.#config.supervisor;
    this.#log.info("stopping", { reason, withinMs: stopTimeoutMs });
    this.#end(stopTimeoutMs);
    this.#ready.reject(new Fault("BOOT", `stopped before every pool was ready (${reason})`));
  }

  /** Ends everything at once. */
  stopNow(reason: string): void {
    this.#log.warn("stopping now", { reason });
    this.#end(0);
    this.#ready.reject(new Fault("BOOT", `stopped before every pool was ready (${reason})`));
  }

  async ping(name: string): Promise<number> {
    const pool = this.#pools.get(name);
    if (pool === undefined) {
      const meant = nearest(name, [...this.#pools.keys()]);
      throw new Fault("USAGE", `there is no pool ${JSON.stringify(name)}`, {
        hint: meant === undefined ? `pools: ${[...this.#pools.keys()].join(", ")}` : `did you mean ${meant}?`,
      });
    }
    const live = this.#of(name).filter(({ view }) => view.state === "ready");
    if (live.length === 0) throw new Fault("LISTEN", `pool ${name} does not serve`, { hint: "see `holdfast status`" });
    const times = await Promise.all(live.map((handle) => handle.ping(PING_TIMEOUT_MS)));
    const answered = times.filter((ms) => ms !== undefined);
    if (answered.length < times.length) {
      throw new Fault("LISTEN", `pool ${name} did not answer within ${PING_TIMEOUT_MS / 1000} s`, {
        hint: "its main thread is stuck or stopped",
      });
    }
    return Math.max(...answered);
  }

  status(): Promise<StatusReport> {
    const pools = [...this.#pools.values()].map(({ config, address, history }) => ({
      name: config.name,
      listen: formatAddress(address.listen),
      history,
      handles: this.#of(config.name),
    }));
    const uptimeMs = this.#options.clock.now() - this.#startedAt;
    return reportStatus({ pools, uptimeMs, stopping: this.#endBy !== undefined, timeoutMs: STATUS_TIMEOUT_MS });
  }

  #of(pool: string): readonly PoolHandle[] {
    return [...this.#processes.values()].filter((handle) => handle.view.pool === pool);
  }

  #end(withinMs: number): void {
    const by = this.#options.clock.now() + withinMs;
    this.#endBy = Math.min(this.#endBy ?? by, by);
    this.#turn();
  }

  /** Acts until nothing is to be done, then sleeps until something changes or a deadline comes. */
  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#cancelWake();
    const { clock } = this.#options;
    for (;;) {
      const actions = plan(this.#wanted(), this.#actual(), clock.now());
      const [first] = actions;
      if (first === undefined) break;
      if (first.kind === "wake") {
        this.#cancelWake = clock.at(first.at, () => this.#turn());
        break;
      }
      for (const action of actions) this.#perform(action);
    }
    this.#turning = false;
    if (this.#endBy !== undefined && this.#processes.size === 0) this.#ended.resolve();
  }

  #wanted(): Wanted {
    return {
      pools: [...this.#pools.values()].map(({ config, generation }) => ({
        name: config.name,
        generation,
        processes: config.processes,
      })),
      endBy: this.#endBy,
      drainMs: this.#config.supervisor.stopTimeoutMs,
    };
  }

  #actual(): { processes: readonly ProcessView[]; history: (pool: string) => PoolHistory } {
    return {
      processes: [...this.#processes.values()].map(({ view }) => view),
      history: (pool) => this.#pools.get(pool)?.history ?? NO_HISTORY,
    };
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case "spawn":
        this.#spawn(action.pool, action.generation);
        return;
      case "drain":
        this.#processes.get(action.id)?.drain(action.by);
        return;
      case "kill":
        this.#kill(action.id);
        return;
      case "forget":
        this.#forget(action.id);
        return;
      case "give-up":
        this.#giveUp(action.pool);
        return;
      case "wake":
        return;
    }
  }

  #spawn(name: string, generation: number): void {
    const pool = this.#pools.get(name);
    if (pool === undefined) return;
    const id = this.#nextId++;
    const { config, address, identity, environment } = pool;
    const { logFormat, entry, clock } = this.#options;
    try {
      const handle = new PoolHandle({
        id,
        pool: config,
        generation,
        listenFd: address.fd,
        logFormat,
        logLevel: this.#config.supervisor.logLevel,
        environment,
        identity,
        entry,
        clock,
        ready: (ready) => this.#becameReady(pool, ready),
        changed: () => this.#turn(),
      });
      this.#processes.set(id, handle);
      this.#log.debug(`pool ${name}: process started`, { pid: handle.pid, generation });
    } catch (error) {
      // No descriptors, no memory: the same as a life that ended at once.
      const life = { readyAt: undefined, goneAt: clock.now(), asked: false, fault: toFaultData(error, "BOOT") };
      pool.history = afterLife(pool.history, life, Math.random());
      this.#log.error(`pool ${name}: no process could be started`, { message: life.fault.message });
    }
  }

  #becameReady(pool: Pool, handle: PoolHandle): void {
    const { name, processes } = pool.config;
    const ms = Math.round(this.#options.clock.now() - handle.spawnedAt);
    this.#log.info(`pool ${name} ready`, {
      listen: formatAddress(pool.address.listen),
      workers: handle.workers,
      pid: handle.pid,
      ms,
    });
    const ready = this.#of(name).filter(({ view }) => view.state === "ready").length;
    if (ready >= processes) pool.history = { ...pool.history, complete: true };
    if ([...this.#pools.values()].every(({ history }) => history.complete)) this.#ready.resolve();
  }

  #kill(id: number): void {
    const handle = this.#processes.get(id);
    if (handle === undefined) return;
    const what = handle.view.state === "starting" ? "was not ready in time" : "did not leave in time";
    this.#log.warn(`pool ${handle.view.pool}: process ${what} and is killed`, { pid: handle.pid });
    handle.kill();
  }

  #forget(id: number): void {
    const handle = this.#processes.get(id);
    const life = handle?.life;
    const pool = handle === undefined ? undefined : this.#pools.get(handle.view.pool);
    this.#processes.delete(id);
    if (handle === undefined || life === undefined || pool === undefined) return;
    const { name } = pool.config;
    const fields = { pid: handle.pid, how: handle.ending };
    if (life.asked) {
      this.#log.info(`pool ${name}: process ended`, fields);
      return;
    }
    pool.history = afterLife(pool.history, life, Math.random());
    const againInMs = Math.max(0, Math.round(pool.history.retryAt - this.#options.clock.now()));
    // The first failure of a first start is told once, by who asked for the start.
    if (pool.history.complete) {
      const { message, stack } = life.fault ?? { message: "", stack: undefined };
      this.#log.error(`pool ${name}: process lost`, { ...fields, message, againInMs, ...(stack ? { stack } : {}) });
    }
  }

  #giveUp(name: string): void {
    const data = this.#pools.get(name)?.history.lastFault;
    const fault = data === undefined ? new Fault("BOOT", `pool ${name} did not start`) : fromFaultData(data);
    this.#failure = fault;
    this.#ready.reject(fault);
    this.#end(this.#config.supervisor.stopTimeoutMs);
  }
}
