// The loop that keeps what runs equal to what is wanted. Events only wake it; plan() looks at
// everything and says what to do. It never accepts a connection, never reads a byte of a request and
// never loads code of an app.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault, fromFaultData, toFaultData } from "../base/fault.ts";
import type { Config, SupervisorConfig } from "../config/schema.ts";
import type { ReloadReport, StatusReport } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import type { AddressBook } from "./address-book.ts";
import type { Address } from "./addresses.ts";
import { Fleet } from "./fleet.ts";
import type { GivenConnection, Taker } from "./handover.ts";
import { watchHeartbeats } from "./heartbeat.ts";
import { Keeper } from "./keeper.ts";
import type { LogOutputs } from "./log-outputs.ts";
import type { Notifier } from "./notify.ts";
import { type Action, plan, type Wanted } from "./plan.ts";
import type { ReloadScope } from "./reload-scope.ts";
import { Reloads } from "./reloads.ts";
import { makeRevision } from "./revision.ts";
import { longestStartMs, STARTS_AT_ONCE } from "./start-pace.ts";
import { statusLine } from "./status-line.ts";

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
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #fleet = new Fleet();
  readonly #keeper: Keeper;
  readonly #reloads: Reloads;
  readonly #startedAt: Instant;
  readonly #ready = Promise.withResolvers<void>();
  readonly #booted = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #hold: boolean;
  /** Who takes the connections of a pool when another supervisor serves from now on. */
  #heir: ((pool: string) => Taker) | undefined;
  #endBy: Instant | undefined;
  #failure: Fault | undefined;
  #turning = false;
  #cancelWake: () => void = () => {};
  #endHeartbeats: () => void = () => {};

  /** `addresses` are bound, one per pool in the same order. Throws CONFIG when a pool may not run as it says. */
  constructor(config: Config, addresses: readonly Address[], options: SupervisorOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#hold = options.hold ?? false;
    this.#startedAt = options.clock.now();
    this.#keeper = new Keeper({
      log: options.log,
      logs: options.logs,
      clock: options.clock,
      entry: options.entry,
      fleet: this.#fleet,
      heir: (pool) => this.#heir?.(pool),
      reload: () => this.#reloads.underWay,
      ready: () => this.#becameReady(),
      changed: () => this.#turn(),
    });
    this.#reloads = new Reloads(config, {
      log: options.log,
      clock: options.clock,
      fleet: this.#fleet,
      addresses: options.addresses,
      notifier: options.notifier,
      record: (name) => this.#keeper.record(name),
      mustNotEnd: () => this.mustNotEnd(),
      changed: () => this.#turn(),
      over: () => this.tellReady(),
    });
    config.pools.forEach((pool, index) => {
      const address = addresses[index];
      if (address === undefined) return;
      const record = this.#keeper.record(pool.name);
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
      timeoutMs: this.#settings.heartbeatTimeoutMs,
      processes: () => this.#fleet.processes.all.filter(({ view }) => view.state === "ready" && !view.killed),
      silent: (handle) => this.#keeper.silent(handle, this.#settings.heartbeatTimeoutMs),
    });
    this.#turn();
  }

  /** Lets the pools listen that were held until now. */
  release(): void {
    this.#hold = false;
    this.#turn();
  }

  /** Renews pools; see `Reloads.run`. One at a time. */
  reload(scope: ReloadScope, configured: Config): Promise<ReloadReport> {
    return this.#reloads.run(scope, configured);
  }

  /** A connection that a pool of another supervisor gave away. */
  adopt(pool: string, connection: GivenConnection): void {
    const record = this.#fleet.get(pool);
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
    return longestStartMs(this.#reloads.config.pools);
  }

  /** Nobody listens yet: another supervisor still serves. */
  get holds(): boolean {
    return this.#hold;
  }

  /** Tells the service manager that things are as they are meant to be. */
  tellReady(): void {
    if (!this.ends) this.#options.notifier.ready(this.#statusLine());
  }

  /** The start cannot succeed, for a reason outside: ends everything. */
  abandon(error: unknown): void {
    this.#fail(fromFaultData(toFaultData(error, "BOOT")));
  }

  /** Another supervisor serves from now on: everything here drains, and its connections go there. */
  succeededBy(heir: (pool: string) => Taker): void {
    this.#heir = heir;
    this.#end(this.#settings.stopTimeoutMs);
  }

  /** Lets everything finish within the stop timeout. Asking again changes nothing. */
  stop(reason: string): void {
    if (this.ends) return;
    const { stopTimeoutMs } = this.#settings;
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

  /** Pages that wait for a change of the app are answered, and wait no more. */
  releasePages(): void {
    for (const handle of this.#fleet.processes.all) handle.releasePages();
  }

  ping(pool: string): Promise<number> {
    return this.#fleet.ping(pool);
  }

  status(): Promise<StatusReport> {
    return this.#fleet.report(this.#options.clock.now() - this.#startedAt, this.ends);
  }

  #end(withinMs: number): void {
    const by = this.#options.clock.now() + withinMs;
    this.#endBy = Math.min(this.#endBy ?? by, by);
    this.#ending.resolve();
    if (this.#heir === undefined) this.#options.notifier.stopping(withinMs);
    this.#reloads.end(new Fault("BOOT", "stopped while it reloaded"));
    if (this.#heir === undefined) for (const { handover } of this.#fleet.pools) handover.close();
    this.#turn();
  }

  /** Acts until nothing is to be done, then sleeps until something changes or a deadline comes. */
  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#cancelWake();
    const { clock } = this.#options;
    for (;;) {
      const actions = plan(this.#wanted(), this.#fleet.actual, clock.now(), STARTS_AT_ONCE);
      const [first] = actions;
      if (first === undefined) break;
      if (first.kind === "wake") {
        this.#cancelWake = clock.at(first.at, () => this.#turn());
        break;
      }
      for (const action of actions) this.#perform(action);
    }
    this.#turning = false;
    if (this.#hold && this.#fleet.isComplete("booted")) this.#booted.resolve();
    if (this.#heir === undefined) this.#options.notifier.status(this.#statusLine());
    if (!this.ends || this.#fleet.processes.size > 0) return;
    this.#endHeartbeats();
    // What is on its way to an heir passes through here.
    void Promise.all(this.#fleet.pools.map(({ handover }) => handover.settled)).then(() => this.#ended.resolve());
  }

  /** Those that are in effect. */
  get #settings(): SupervisorConfig {
    return this.#reloads.config.supervisor;
  }

  #statusLine(): string {
    const phase = this.ends ? "stopping" : this.#fleet.hasServed ? "running" : "starting";
    return statusLine(this.#fleet.summaries, phase, this.#failure?.message);
  }

  #wanted(): Wanted {
    return {
      pools: this.#fleet.wanted,
      reload: this.#reloads.underWay?.stage ?? "none",
      hold: this.#hold,
      endBy: this.#endBy,
      heir: this.#heir !== undefined,
      drainMs: this.#settings.stopTimeoutMs,
    };
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case "spawn":
        this.#keeper.spawn(action.pool, action.generation);
        return;
      case "serve":
        this.#fleet.processes.serve(action.id);
        return;
      case "drain":
        this.#fleet.processes.get(action.id)?.drain(action.by, action.handOver);
        return;
      case "kill":
        this.#keeper.kill(action.id);
        return;
      case "forget":
        this.#keeper.forget(action.id);
        return;
      case "give-up":
        this.#giveUp(action.pool);
        return;
      case "promote":
        this.#reloads.promote();
        return;
      case "roll-back":
        this.#reloads.rollBack();
        return;
      case "wake":
        return;
    }
  }

  #becameReady(): void {
    if (this.#fleet.hasServed) this.#ready.resolve();
    this.#reloads.endIfComplete();
  }

  #giveUp(name: string): void {
    const data = this.#fleet.get(name)?.history.lastFault;
    const fault = data === undefined ? new Fault("BOOT", `pool ${name} did not start`) : fromFaultData(data);
    this.#fail(fault);
  }

  #fail(fault: Fault): void {
    this.#failure ??= fault;
    this.#ready.reject(fault);
    this.#end(this.#settings.stopTimeoutMs);
  }
}
