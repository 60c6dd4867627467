// The pool processes that run, and which of them belong to what.

import type { ProcessState } from "./plan.ts";
import type { PoolHandle } from "./pool-handle.ts";
import type { PoolRecord } from "./pool-record.ts";

export class ProcessTable {
  readonly #handles = new Map<number, PoolHandle>();

  get size(): number {
    return this.#handles.size;
  }

  get all(): readonly PoolHandle[] {
    return [...this.#handles.values()];
  }

  get(id: number): PoolHandle | undefined {
    return this.#handles.get(id);
  }

  add(handle: PoolHandle): void {
    this.#handles.set(handle.view.id, handle);
  }

  delete(id: number): void {
    this.#handles.delete(id);
  }

  /** Every process of the pool, of whatever generation. */
  of(pool: string): readonly PoolHandle[] {
    return this.all.filter(({ view }) => view.pool === pool);
  }

  /** Lets a process listen, with what one whose place it takes leaves. */
  serve(id: number): void {
    const handle = this.get(id);
    if (handle === undefined) return;
    const { pool, generation } = handle.view;
    const former = this.of(pool).find(({ view, bequeaths }) => {
      return bequeaths && (view.generation < generation || view.outgoing);
    });
    handle.serve(former);
  }

  /** Processes of the pool's current version that are in `state`. */
  current({ name, current }: PoolRecord, state: ProcessState): readonly PoolHandle[] {
    return this.of(name).filter(({ view }) => view.generation === current?.generation && view.state === state);
  }

  /** Whether every process of the pool's current version is in `state`. */
  isComplete(pool: PoolRecord, state: ProcessState): boolean {
    return pool.current !== undefined && this.current(pool, state).length >= pool.current.config.processes;
  }
}
