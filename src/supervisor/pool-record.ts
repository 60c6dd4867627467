// What the supervisor knows of one pool, apart from its processes: the version that serves, the one that
// is to take its place, and what has happened so far.

import { formatAddress } from "../config/address.ts";
import type { Handover } from "./handover.ts";
import { NO_HISTORY, type PoolHistory } from "./history.ts";
import type { Generation, WantedPool } from "./plan.ts";
import type { Revision } from "./revision.ts";

export class PoolRecord {
  readonly name: string;
  /** Connections that processes of this pool have given away. */
  readonly handover: Handover;
  history: PoolHistory = NO_HISTORY;
  #current: Revision | undefined;
  #next: Revision | undefined;
  #newest = 0;

  constructor(name: string, handover: Handover) {
    this.name = name;
    this.handover = handover;
  }

  /** What serves, or is to; undefined until a reload that adds the pool has succeeded. */
  get current(): Revision | undefined {
    return this.#current;
  }

  /** What a reload is to put in its place. */
  get next(): Revision | undefined {
    return this.#next;
  }

  /** For the next revision: higher than any before, also of those that never served. */
  get freshGeneration(): number {
    return this.#newest + 1;
  }

  get listen(): string {
    const revision = this.#current ?? this.#next;
    return revision === undefined ? "" : formatAddress(revision.address.listen);
  }

  get wanted(): WantedPool {
    return { name: this.name, current: generationOf(this.#current), next: generationOf(this.#next) };
  }

  revision(generation: number): Revision | undefined {
    return [this.#current, this.#next].find((revision) => revision?.generation === generation);
  }

  prepare(next: Revision): void {
    this.#next = next;
    this.#newest = next.generation;
  }

  /** The next version becomes the current one, and what happened to those before it says nothing about it. */
  promote(): void {
    if (this.#next === undefined) return;
    this.#current = this.#next;
    this.#next = undefined;
    this.history = { ...NO_HISTORY, complete: this.history.complete, restarts: this.history.restarts };
  }

  rollBack(): void {
    this.#next = undefined;
  }
}

const generationOf = (revision: Revision | undefined): Generation | undefined =>
  revision && { generation: revision.generation, processes: revision.config.processes };
