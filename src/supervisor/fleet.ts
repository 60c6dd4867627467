// All pools and all their processes: what can be asked of them, and done to them, as a whole.

import type { StatusReport } from "../messages/control.ts";
import { NO_HISTORY } from "./history.ts";
import { mustBeKnown } from "./known-pool.ts";
import { pingPool } from "./ping.ts";
import type { Actual, ProcessState, WantedPool } from "./plan.ts";
import type { PoolRecord } from "./pool-record.ts";
import { ProcessTable } from "./process-table.ts";
import type { Changes } from "./reload-scope.ts";
import { reportStatus } from "./report.ts";
import type { PoolSummary } from "./status-line.ts";

/** For a process's part of a status report: a stuck pool must not hide the others, ms. */
const STATUS_TIMEOUT_MS = 2000;

export class Fleet {
  readonly processes = new ProcessTable();
  readonly #pools = new Map<string, PoolRecord>();

  get pools(): readonly PoolRecord[] {
    return [...this.#pools.values()];
  }

  get(name: string): PoolRecord | undefined {
    return this.#pools.get(name);
  }

  add(pool: PoolRecord): void {
    this.#pools.set(pool.name, pool);
  }

  /** As plan() wants to know it. */
  get wanted(): readonly WantedPool[] {
    return this.pools.map(({ wanted }) => wanted);
  }

  /** As plan() wants to know it. */
  get actual(): Actual {
    return {
      processes: this.processes.all.map(({ view }) => view),
      history: (pool) => this.#pools.get(pool)?.history ?? NO_HISTORY,
    };
  }

  /** Whether every process of every pool's current version is in `state`. */
  isComplete(state: ProcessState): boolean {
    return this.pools.every((pool) => this.processes.isComplete(pool, state));
  }

  /** Whether every pool has served as a whole. */
  get hasServed(): boolean {
    return this.pools.every(({ history }) => history.complete);
  }

  /** The version of each pool that serves; undefined: none yet. */
  get generations(): ReadonlyMap<string, number | undefined> {
    return new Map(this.pools.map(({ name, current }) => [name, current?.generation]));
  }

  renewed({ renewed }: Changes): readonly PoolRecord[] {
    return this.pools.filter(({ name }) => renewed.has(name));
  }

  /** The next versions become the current ones, and what is removed is no pool any more. */
  promote(changes: Changes): void {
    for (const pool of this.renewed(changes)) {
      pool.promote();
      // It has booted: what goes wrong from now on is waited out, and is no failure of the whole start.
      pool.history = { ...pool.history, complete: true };
    }
    for (const name of changes.removed) {
      this.#pools.get(name)?.handover.close();
      this.#pools.delete(name);
    }
  }

  /** The next versions are dropped, and with them the pools that have no other. */
  rollBack(): void {
    for (const pool of this.pools) {
      pool.rollBack();
      if (pool.current === undefined) this.#pools.delete(pool.name);
    }
  }

  /** Rejects with USAGE (no such pool) or LISTEN (no answer). */
  async ping(name: string): Promise<number> {
    mustBeKnown(name, [...this.#pools.keys()]);
    return pingPool(name, this.processes.of(name));
  }

  report(uptimeMs: number, stopping: boolean): Promise<StatusReport> {
    const pools = this.pools.map(({ name, listen, history }) => {
      return { name, listen, history, handles: this.processes.of(name) };
    });
    return reportStatus({ pools, uptimeMs, stopping, timeoutMs: STATUS_TIMEOUT_MS });
  }

  get summaries(): readonly PoolSummary[] {
    return this.pools.map(({ name, history }) => {
      const serving = this.processes
        .of(name)
        .filter(({ view: { state } }) => state === "ready" || state === "draining");
      const workers = serving.reduce((sum, handle) => sum + handle.workers, 0);
      return { name, serving: serving.length, workers, reason: history.lastFault?.message };
    });
  }
}
