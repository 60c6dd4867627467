// Starts pool processes, and takes note of what becomes of each: in its pool's history, in the reload
// under way, in the log. What is to be done about it is decided in plan.ts.

import type { Clock } from "../base/clock.ts";
import { fromFaultData, toFaultData } from "../base/fault.ts";
import type { Log } from "../telemetry/log.ts";
import type { Fleet } from "./fleet.ts";
import { type GivenConnection, Handover, type Taker } from "./handover.ts";
import { afterLife, type Life } from "./history.ts";
import type { LogOutputs } from "./log-outputs.ts";
import { PoolHandle } from "./pool-handle.ts";
import { PoolRecord } from "./pool-record.ts";
import type { Reloading } from "./reloading.ts";

export interface KeeperOptions {
  readonly log: Log;
  readonly logs: LogOutputs;
  readonly clock: Clock;
  /** The program of a pool process, a path. */
  readonly entry: string;
  readonly fleet: Fleet;
  /** Who takes the connections of a pool instead of its own processes; undefined: nobody. */
  readonly heir: (pool: string) => Taker | undefined;
  /** The reload under way. */
  readonly reload: () => Reloading | undefined;
  /** A process serves. */
  readonly ready: () => void;
  /** There may be something to do. */
  readonly changed: () => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #log: Log;
  readonly #fleet: Fleet;
  #nextId = 1;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#fleet = options.fleet;
  }

  /** The pool of that name, made if there is none. */
  record(name: string): PoolRecord {
    const known = this.#fleet.get(name);
    if (known !== undefined) return known;
    const record: PoolRecord = new PoolRecord(
      name,
      new Handover({
        clock: this.#options.clock,
        // What serves and is to stay.
        takers: () => {
          const heir = this.#options.heir(name);
          if (heir !== undefined) return [heir];
          return this.#fleet.processes.current(record, "ready").filter(({ view }) => !view.outgoing);
        },
        lost: (reason) => this.#log.warn(`pool ${name}: a kept connection was closed`, { reason }),
      }),
    );
    this.#fleet.add(record);
    return record;
  }

  spawn(name: string, generation: number): void {
    const pool = this.#fleet.get(name);
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
        replaces: this.#areServed(name, config.processes),
        ready: (ready) => this.#becameReady(pool, ready),
        outgoing: ({ pid }, reason) => this.#log.info(`pool ${name}: process is replaced`, { pid, reason }),
        gave: (connection) => this.#gave(pool, connection),
        held: (reason) => this.#log.warn(`pool ${name}: a process keeps the low priority it booted with`, { reason }),
        changed: this.#options.changed,
      });
      this.#fleet.processes.add(handle);
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

  /** One that asked to be replaced may serve badly, or not at all: its successor is in a hurry. */
  #areServed(pool: string, processes: number): boolean {
    const serving = this.#fleet.processes.of(pool).filter(({ view }) => view.state === "ready" && !view.outgoing);
    return serving.length >= processes;
  }

  #gave(pool: PoolRecord, connection: GivenConnection | undefined): void {
    if (connection !== undefined) pool.handover.give(connection);
    // The kernel delivers the message alone when this process may open no more descriptors.
    else
      this.#log.warn(`pool ${pool.name}: a kept connection was lost`, {
        reason: "its descriptor did not arrive",
      });
  }

  #becameReady(pool: PoolRecord, handle: PoolHandle): void {
    const ms = Math.round(this.#options.clock.now() - handle.spawnedAt);
    const { generation } = handle.view;
    const { listen } = pool;
    this.#log.info(`pool ${pool.name} ready`, {
      listen,
      workers: handle.workers,
      pid: handle.pid,
      generation,
      ms,
    });
    if (this.#fleet.processes.isComplete(pool, "ready")) pool.history = { ...pool.history, complete: true };
    this.#options.ready();
    pool.handover.deliver();
  }

  /** It passed its deadline. */
  kill(id: number): void {
    const handle = this.#fleet.processes.get(id);
    if (handle === undefined) return;
    const what = handle.view.state === "starting" ? "was not ready in time" : "did not leave in time";
    this.#log.warn(`pool ${handle.view.pool}: process ${what} and is killed`, { pid: handle.pid });
    handle.kill();
  }

  /** It is gone: its life goes into the history of its pool. */
  forget(id: number): void {
    const handle = this.#fleet.processes.get(id);
    const life = handle?.life;
    const pool = handle === undefined ? undefined : this.#fleet.get(handle.view.pool);
    this.#fleet.processes.delete(id);
    if (handle === undefined || life === undefined || pool === undefined) return;
    const fields = { pid: handle.pid, how: handle.ending };
    if (life.asked) this.#log.info(`pool ${pool.name}: process ended`, fields);
    else this.#learn(pool, handle.view.generation, life, fields);
  }

  /** What the end of a process that nobody asked for means for its pool. */
  #learn(pool: PoolRecord, generation: number, life: Life, fields: Record<string, unknown> = {}): void {
    const fault = life.fault ?? { code: "BOOT", message: `pool ${pool.name}: a process ended` };
    const { message, stack } = fault;
    const reload = this.#options.reload();
    if (generation === pool.next?.generation && reload !== undefined) {
      reload.fail(fromFaultData(fault));
      this.#log.error(`pool ${pool.name}: the new generation does not start`, {
        ...fields,
        generation,
        message,
      });
      return;
    }
    // There is no way back any more, but who asked must know.
    if (reload?.isPromoted && reload.changes.renewed.has(pool.name) && life.readyAt === undefined) {
      reload.fail(fromFaultData({ ...fault, hint: "the new generation is in effect, and is tried again" }));
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

  /** It lives, and answers no more. */
  silent(handle: PoolHandle, ms: number): void {
    this.#log.error(`pool ${handle.view.pool}: process has been silent for too long and is killed`, {
      pid: handle.pid,
      ms,
    });
    handle.kill();
  }
}
