// What the supervisor and its pools take of the machine: one look, from /proc and from the status.

import { readdirSync, readFileSync } from "node:fs";
import { field, mappedBytes } from "../../bench/proc.ts";
import { ask } from "../../src/cli/control-client.ts";
import type { PoolReport, StatusReport } from "../../src/messages/control.ts";
import type { PoolStatus } from "../../src/messages/lifecycle.ts";

export interface ProcessLook {
  readonly pid: number;
  readonly residentBytes: number;
  /** Shared pages divided among those who share them. */
  readonly proportionalBytes: number;
  /** What is no file's: heaps, stacks, buffers. */
  readonly anonymousBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly mappings: number;
}

export interface PoolLook extends ProcessLook {
  /** Workers that have said what they hold, and heap and buffers of them all. */
  readonly workers: number;
  readonly workersBytes: number;
  /** From Apache: a descriptor each. */
  readonly connections: number;
  readonly open: number;
}

export interface Look {
  readonly supervisor: ProcessLook;
  /** By the pool's name; absent while no process of it answers. */
  readonly pools: ReadonlyMap<string, PoolLook>;
}

/** What one pool did, added up over all of its processes. */
export interface Totals {
  accepted: number;
  refused: number;
  cut: number;
  aborted: number;
  timedOut: number;
  workersRecycled: number;
  workersLost: number;
  bootFailures: number;
  /** Processes that were replaced without having been asked to. */
  restarts: number;
  processes: number;
}

export class Watch {
  readonly #control: string;
  readonly #last = new Map<string, Map<number, PoolStatus>>();
  readonly #restarts = new Map<string, number>();
  /** Every process that was ever seen. */
  readonly pids = new Set<number>();

  constructor(control: string) {
    this.#control = control;
  }

  async look(): Promise<Look> {
    const { status } = await ask(this.#control, { command: "status" });
    const pools = new Map<string, PoolLook>();
    this.pids.add(status.pid);
    for (const pool of status.pools) {
      const process = this.#remember(pool);
      const look = process === undefined ? undefined : lookAtPool(process);
      if (look !== undefined) pools.set(pool.name, look);
    }
    return { supervisor: lookAt(status.pid), pools };
  }

  totals(pool: string): Totals {
    const statuses = [...(this.#last.get(pool)?.values() ?? [])];
    const sum = (of: (status: PoolStatus) => number) => statuses.reduce((total, status) => total + of(status), 0);
    return {
      accepted: sum(({ accepted }) => accepted),
      refused: sum(({ refused }) => refused),
      cut: sum(({ cut }) => cut),
      aborted: sum(({ aborted }) => aborted),
      timedOut: sum(({ timedOut }) => timedOut),
      workersRecycled: sum(({ workersRecycled }) => workersRecycled),
      workersLost: sum(({ workersLost }) => workersLost),
      bootFailures: sum(({ bootFailures }) => bootFailures),
      restarts: this.#restarts.get(pool) ?? 0,
      processes: statuses.length,
    };
  }

  /** The process of the pool's newest generation that answers. */
  #remember({ name, processes, restarts }: PoolReport): PoolStatus | undefined {
    const known = this.#last.get(name) ?? new Map<number, PoolStatus>();
    this.#last.set(name, known);
    this.#restarts.set(name, restarts);
    for (const process of processes) {
      this.pids.add(process.pid);
      if (isStatus(process)) known.set(process.pid, process);
    }
    return processes.filter(isStatus).sort((a, b) => b.generation - a.generation)[0];
  }
}

const isStatus = (process: StatusReport["pools"][number]["processes"][number]): process is PoolStatus =>
  !("state" in process);

function lookAtPool({ pid, workers, connections, open }: PoolStatus): PoolLook {
  const said = workers.flatMap(({ memoryBytes = [] }) => memoryBytes);
  const workersBytes = said.reduce((sum, bytes) => sum + bytes, 0);
  return { ...lookAt(pid), workers: said.length, workersBytes, connections, open };
}

function lookAt(pid: number): ProcessLook {
  return {
    pid,
    residentBytes: mappedBytes(pid, "Rss"),
    proportionalBytes: mappedBytes(pid, "Pss"),
    anonymousBytes: mappedBytes(pid, "Anonymous"),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field(`/proc/${pid}/status`, "Threads") ?? Number.NaN,
    mappings: readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").length - 1,
  };
}
