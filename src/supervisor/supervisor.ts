// The loop that keeps what runs equal to what is wanted. Events only wake it; plan() looks at
// everything and says what to do. It never accepts a connection, never reads a byte of a request and
// never loads code of an app.

import { availableParallelism } from "node:os";
import type { Clock, Instant } from "../base/clock.ts";
import { Fault, fromFaultData, toFaultData } from "../base/fault.ts";
import { nearest } from "../config/nearest.ts";
import type { Config, PoolConfig } from "../config/schema.ts";
import type { ReloadReport, StatusReport } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import type { AddressBook } from "./address-book.ts";
import type { Address } from "./addresses.ts";
import { type GivenConnection, Handover, type Taker } from "./handover.ts";
import { watchHeartbeats } from "./heartbeat.ts";
import { afterLife, type Life, NO_HISTORY, type PoolHistory } from "./history.ts";
import type { LogOutputs } from "./log-outputs.ts";
import type { Notifier } from "./notify.ts";
import { pingPool } from "./ping.ts";
import { type Action, type ProcessView, plan, type Wanted } from "./plan.ts";
import { PoolHandle } from "./pool-handle.ts";
import { PoolRecord } from "./pool-record.ts";
import { ProcessTable } from "./process-table.ts";
import { type Changes, changesOf, type ReloadScope } from "./reload-scope.ts";
import { Reloading } from "./reloading.ts";
import { reportStatus } from "./report.ts";
import { makeRevision, type Revision } from "./revision.ts";
import { afterReload } from "./settings.ts";
import { statusLine } from "./status-line.ts";

/** Pool processes that boot at a time: enough to keep every processor busy while some wait for their databases. */
const STARTS_AT_ONCE = Math.max(8, 2 * availableParallelism());
/** For a process's part of a status report: a stuck pool must not hide the others, ms. */
const STATUS_TIMEOUT_MS = 2000;

export interface SupervisorOptions {
  readonly log: Log;
  readonly logs: LogOutputs;
  readonly clock: Clock;
  /** The program of a pool process, a path. */
  readonly entry: string;
  readonly notifier: Notifier;
  /** Where the pools listen. */
  readonly addresses: AddressBook;
  /** Nobody listens until `release`: another supervisor still serves. Default: false. */
  readonly hold?: boolean;
}

export class Supervisor {
  /** What is in effect. */
  #config: Config;
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #pools = new Map<string, PoolRecord>();
  readonly #processes = new ProcessTable();
  readonly #startedAt: Instant;
  readonly #ready = Promise.withResolvers<void>();
  readonly #booted = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #hold: boolean;
  #reload: Reloading | undefined;
  /** Who takes the connections of a pool when another supervisor serves from now on. */
  #heir: ((pool: string) => Taker) | undefined;
  #endBy: Instant | undefined;
  #failure: Fault | undefined;
  #nextId = 1;
  #turning = false;
  #cancelWake: () => void = () => {};
  #endHeartbeats: () => void = () => {};

  /** `addresses` are bound, one per pool in the same order. Throws CONFIG when a pool may not run as it says. */
  constructor(config: Config, addresses: readonly Address[], options: SupervisorOptions) {
    this.#config = config;
    this.#options = options;
    this.#log = options.log;
    this.#hold = options.hold ?? false;
    this.#startedAt = options.clock.now();
    config.pools.forEach((pool, index) => {
      const address = addresses[index];
      if (address === undefined) return;
      const record = this.#record(pool.name);
      record.prepare(makeRevision(pool, record.freshGeneration, address));
      record.promote();
    });
    // Who only waits for the end must not be ended by an unhandled rejection.
    this.#ready.promise.catch(() => {});
    this.#booted.promise.catch(() => {});
  }

  /** Resolves when every pool serves for the first time; rejects when one of them cannot. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when every pool could serve; for who holds it until then. */
  get booted(): Promise<void> {
    return this.#booted.promise;
  }

  /** Resolves when everything begins to end. */
  get ending(): Promise<void> {
    return this.#ending.promise;
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
    this.#options.notifier.extend(this.longestStartMs);
    this.#ready.promise.then(
      () => this.#options.notifier.ready(this.#statusLine()),
      () => {}, // Told by whoever asked for the start.
    );
    this.#endHeartbeats = watchHeartbeats({
      clock: this.#options.clock,
      timeoutMs: this.#config.supervisor.heartbeatTimeoutMs,
      processes: () => this.#processes.all.filter(({ view }) => view.state === "ready" && !view.killed),
      silent: (handle) => this.#silent(handle),
    });
    this.#turn();
  }

  /** Lets the pools listen that were held until now. */
  release(): void {
    this.#hold = false;
    this.#turn();
  }

  /**
   * Renews pools: a new generation of each boots beside the old one, and takes its place when all of
   * them could serve. Resolves when they do. Rejects with USAGE, CONFIG, LISTEN or BOOT; then nothing
   * has changed. One at a time.
   */
  async reload(scope: ReloadScope, configured: Config): Promise<ReloadReport> {
    const { clock, notifier, addresses } = this.#options;
    const startedAt = clock.now();
    this.mustNotEnd();
    const before = this.#config;
    const changes = changesOf(scope, before.pools, configured.pools);
    const was = new Map([...this.#pools].map(([name, { current }]) => [name, current?.generation]));
    notifier.reloading();
    notifier.extend(longestStartMs(changes.pools));
    try {
      const reload = await this.#prepare(changes);
      this.#log.info("reloading", { renewed: [...changes.renewed].join(", "), removed: changes.removed.join(", ") });
      this.#reload = reload;
      this.#turn();
      await reload.settled;
    } finally {
      await addresses.keepOnly(this.#config.pools);
      this.tellReady();
    }
    const { settings, waiting } = afterReload(before, configured);
    this.#config = { ...this.#config, supervisor: settings };
    const ms = Math.round(clock.now() - startedAt);
    const pools = [...changes.renewed, ...changes.removed].map((name) => {
      const [from, to] = [was.get(name), this.#pools.get(name)?.current?.generation];
      return { name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    });
    this.#log.info("reloaded", { pools: pools.map(({ name }) => name).join(", "), ms });
    const warnings = waiting.map((name) => `${name} has changed: it takes effect when Holdfast is started anew`);
    for (const warning of warnings) this.#log.warn(warning);
    return { ms, pools, unchanged: this.#pools.size - changes.renewed.size, warnings };
  }

  /** A connection that a pool of another supervisor gave away. */
  adopt(pool: string, connection: GivenConnection): void {
    const record = this.#pools.get(pool);
    if (record === undefined) connection.handle.close();
    else record.handover.give(connection);
  }

  /** Everything is ending. */
  get ends(): boolean {
    return this.#endBy !== undefined;
  }

  /** Throws BOOT when everything is ending already. */
  mustNotEnd(): void {
    if (this.ends) throw new Fault("BOOT", "the supervisor is stopping");
  }

  /** The longest that all pools together may take to boot, ms. */
  get longestStartMs(): number {
    return longestStartMs(this.#config.pools);
  }

  /** Nobody listens yet: another supervisor still serves. */
  get holds(): boolean {
    return this.#hold;
  }

  /** Tells the service manager that things are as they are meant to be. */
  tellReady(): void {
    if (this.#endBy === undefined) this.#options.notifier.ready(this.#statusLine());
  }

  /** The start cannot succeed, for a reason outside: ends everything. */
  abandon(error: unknown): void {
    this.#fail(fromFaultData(toFaultData(error, "BOOT")));
  }

  /** Another supervisor serves from now on: everything here drains, and its connections go there. */
  succeededBy(heir: (pool: string) => Taker): void {
    this.#heir = heir;
    this.#end(this.#config.supervisor.stopTimeoutMs);
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
    return pingPool(name, this.#processes.of(name));
  }

  status(): Promise<StatusReport> {
    const pools = [...this.#pools.values()].map(({ name, listen, history }) => ({
      name,
      listen,
      history,
      handles: this.#processes.of(name),
    }));
    const uptimeMs = this.#options.clock.now() - this.#startedAt;
    return reportStatus({ pools, uptimeMs, stopping: this.#endBy !== undefined, timeoutMs: STATUS_TIMEOUT_MS });
  }

  #silent(handle: PoolHandle): void {
    const ms = this.#config.supervisor.heartbeatTimeoutMs;
    this.#log.error(`pool ${handle.view.pool}: process has been silent for too long and is killed`, {
      pid: handle.pid,
      ms,
    });
    handle.kill();
  }

  #end(withinMs: number): void {
    const by = this.#options.clock.now() + withinMs;
    this.#endBy = Math.min(this.#endBy ?? by, by);
    this.#ending.resolve();
    if (this.#heir === undefined) this.#options.notifier.stopping(withinMs);
    this.#endReload(new Fault("BOOT", "stopped while it reloaded"));
    if (this.#heir === undefined) for (const { handover } of this.#pools.values()) handover.close();
    this.#turn();
  }

  #record(name: string): PoolRecord {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const record: PoolRecord = new PoolRecord(
      name,
      new Handover({
        clock: this.#options.clock,
        // What serves and is to stay.
        takers: () =>
          this.#heir === undefined
            ? this.#processes.current(record, "ready").filter(({ view }) => !view.outgoing)
            : [this.#heir(name)],
        lost: (reason) => this.#log.warn(`pool ${name}: a kept connection was closed`, { reason }),
      }),
    );
    this.#pools.set(name, record);
    return record;
  }

  /** Binds what is to be listened on, and checks what can be checked before anything changes. */
  async #prepare(changes: Changes): Promise<Reloading> {
    const revisions: Revision[] = [];
    for (const config of changes.pools) {
      if (!changes.renewed.has(config.name)) continue;
      const generation = this.#pools.get(config.name)?.freshGeneration ?? 1;
      revisions.push(makeRevision(config, generation, await this.#options.addresses.open(config)));
    }
    this.mustNotEnd();
    for (const revision of revisions) this.#record(revision.config.name).prepare(revision);
    return new Reloading(changes);
  }

  /** Acts until nothing is to be done, then sleeps until something changes or a deadline comes. */
  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#cancelWake();
    const { clock } = this.#options;
    for (;;) {
      const actions = plan(this.#wanted(), this.#actual(), clock.now(), STARTS_AT_ONCE);
      const [first] = actions;
      if (first === undefined) break;
      if (first.kind === "wake") {
        this.#cancelWake = clock.at(first.at, () => this.#turn());
        break;
      }
      for (const action of actions) this.#perform(action);
    }
    this.#turning = false;
    const pools = [...this.#pools.values()];
    if (this.#hold && pools.every((pool) => this.#processes.isComplete(pool, "booted"))) this.#booted.resolve();
    if (this.#heir === undefined) this.#options.notifier.status(this.#statusLine());
    if (this.#endBy === undefined || this.#processes.size > 0) return;
    this.#endHeartbeats();
    // What is on its way to an heir passes through here.
    void Promise.all(pools.map(({ handover }) => handover.settled)).then(() => this.#ended.resolve());
  }

  #statusLine(): string {
    const pools = [...this.#pools.values()].map(({ name, history }) => {
      const serving = this.#processes
        .of(name)
        .filter(({ view }) => view.state === "ready" || view.state === "draining");
      const workers = serving.reduce((sum, handle) => sum + handle.workers, 0);
      return { name, serving: serving.length, workers, reason: history.lastFault?.message };
    });
    const isComplete = [...this.#pools.values()].every(({ history }) => history.complete);
    const phase = this.#endBy !== undefined ? "stopping" : isComplete ? "running" : "starting";
    return statusLine(pools, phase, this.#failure?.message);
  }

  #wanted(): Wanted {
    return {
      pools: [...this.#pools.values()].map(({ wanted }) => wanted),
      reload: this.#reload?.stage ?? "none",
      hold: this.#hold,
      endBy: this.#endBy,
      heir: this.#heir !== undefined,
      drainMs: this.#config.supervisor.stopTimeoutMs,
    };
  }

  #actual(): { processes: readonly ProcessView[]; history: (pool: string) => PoolHistory } {
    return {
      processes: this.#processes.all.map(({ view }) => view),
      history: (pool) => this.#pools.get(pool)?.history ?? NO_HISTORY,
    };
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case "spawn":
        this.#spawn(action.pool, action.generation);
        return;
      case "serve":
        this.#processes.get(action.id)?.serve();
        return;
      case "drain":
        this.#processes.get(action.id)?.drain(action.by, action.handOver);
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
      case "promote":
        this.#promote();
        return;
      case "roll-back":
        this.#rollBack();
        return;
      case "wake":
        return;
    }
  }

  #spawn(name: string, generation: number): void {
    const pool = this.#pools.get(name);
    const revision = pool?.revision(generation);
    if (pool === undefined || revision === undefined) return;
    const id = this.#nextId++;
    const { config, address, identity, environment } = revision;
    const { logs, entry, clock } = this.#options;
    try {
      const handle = new PoolHandle({
        id,
        pool: config,
        generation,
        listenFd: address.fd,
        log: logs.forPool(config),
        environment,
        identity,
        entry,
        clock,
        ready: (ready) => this.#becameReady(pool, ready),
        outgoing: ({ pid }, reason) => this.#log.info(`pool ${name}: process is replaced`, { pid, reason }),
        gave: (connection) => this.#gave(pool, connection),
        changed: () => this.#turn(),
      });
      this.#processes.add(handle);
      this.#log.debug(`pool ${name}: process started`, { pid: handle.pid, generation });
    } catch (error) {
      // No descriptors, no memory: the same as a life that ended at once.
      const life = {
        readyAt: undefined,
        goneAt: clock.now(),
        proven: false,
        asked: false,
        fault: toFaultData(error, "BOOT"),
      };
      this.#log.error(`pool ${name}: no process could be started`, { message: life.fault.message });
      this.#learn(pool, generation, life);
    }
  }

  #gave(pool: PoolRecord, connection: GivenConnection | undefined): void {
    if (connection !== undefined) pool.handover.give(connection);
    // The kernel delivers the message alone when this process may open no more descriptors.
    else this.#log.warn(`pool ${pool.name}: a kept connection was lost`, { reason: "its descriptor did not arrive" });
  }

  #becameReady(pool: PoolRecord, handle: PoolHandle): void {
    const ms = Math.round(this.#options.clock.now() - handle.spawnedAt);
    const { generation } = handle.view;
    const { listen } = pool;
    this.#log.info(`pool ${pool.name} ready`, { listen, workers: handle.workers, pid: handle.pid, generation, ms });
    if (this.#processes.isComplete(pool, "ready")) pool.history = { ...pool.history, complete: true };
    if ([...this.#pools.values()].every(({ history }) => history.complete)) this.#ready.resolve();
    if (this.#reload?.isPromoted && this.#renewed.every((each) => this.#processes.isComplete(each, "ready"))) {
      this.#endReload();
    }
    pool.handover.deliver();
  }

  /** The pools that the reload under way renews. */
  get #renewed(): readonly PoolRecord[] {
    return [...this.#pools.values()].filter(({ name }) => this.#reload?.changes.renewed.has(name));
  }

  #promote(): void {
    const reload = this.#reload;
    if (reload === undefined) return;
    reload.promote();
    for (const pool of this.#renewed) {
      pool.promote();
      // It has booted: what goes wrong from now on is waited out, and is no failure of the whole start.
      pool.history = { ...pool.history, complete: true };
    }
    for (const name of reload.changes.removed) {
      this.#pools.get(name)?.handover.close();
      this.#pools.delete(name);
    }
    this.#config = { ...this.#config, pools: reload.changes.pools };
    if (reload.changes.renewed.size === 0) this.#endReload();
  }

  #rollBack(): void {
    for (const pool of this.#pools.values()) {
      pool.rollBack();
      if (pool.current === undefined) this.#pools.delete(pool.name);
    }
    this.#endReload(this.#reload?.failure);
  }

  #endReload(fault?: Fault): void {
    const reload = this.#reload;
    this.#reload = undefined;
    reload?.end(fault);
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
    const fields = { pid: handle.pid, how: handle.ending };
    if (life.asked) this.#log.info(`pool ${pool.name}: process ended`, fields);
    else this.#learn(pool, handle.view.generation, life, fields);
  }

  /** What the end of a process that nobody asked for means for its pool. */
  #learn(pool: PoolRecord, generation: number, life: Life, fields: Record<string, unknown> = {}): void {
    const fault = life.fault ?? { code: "BOOT", message: `pool ${pool.name}: a process ended` };
    const { message, stack } = fault;
    const reload = this.#reload;
    if (generation === pool.next?.generation && reload !== undefined) {
      reload.fail(fromFaultData(fault));
      this.#log.error(`pool ${pool.name}: the new generation does not start`, { ...fields, generation, message });
      return;
    }
    // There is no way back any more, but who asked must know.
    if (reload?.isPromoted && reload.changes.renewed.has(pool.name) && life.readyAt === undefined) {
      this.#endReload(fromFaultData(fault));
    }
    pool.history = afterLife(pool.history, life, Math.random());
    const againInMs = Math.max(0, Math.round(pool.history.retryAt - this.#options.clock.now()));
    // The first failure of a first start is told once, by who asked for the start.
    if (pool.history.complete) {
      this.#log.error(`pool ${pool.name}: process lost`, {
        ...fields,
        message,
        againInMs,
        ...(stack ? { stack } : {}),
      });
    }
  }

  #giveUp(name: string): void {
    const data = this.#pools.get(name)?.history.lastFault;
    const fault = data === undefined ? new Fault("BOOT", `pool ${name} did not start`) : fromFaultData(data);
    this.#fail(fault);
  }

  #fail(fault: Fault): void {
    this.#failure ??= fault;
    this.#ready.reject(fault);
    this.#end(this.#config.supervisor.stopTimeoutMs);
  }
}

/** Only so many boot at a time. */
function longestStartMs(pools: readonly PoolConfig[]): number {
  const rounds = Math.ceil(pools.reduce((sum, { processes }) => sum + processes, 0) / STARTS_AT_ONCE);
  return rounds * Math.max(0, ...pools.map(({ bootTimeoutMs }) => bootTimeoutMs));
}
