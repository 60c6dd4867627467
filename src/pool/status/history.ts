// The last five minutes, a sample a second, so that a status page that is opened shows what was before.
// One row of numbers per second in memory that is allocated once.

/** What is remembered of each second, in the order of a row. */
export const SERIES = [
  /** Milliseconds since the pool started. */
  "atMs",
  "requests",
  "p50Ms",
  "p95Ms",
  "p99Ms",
  "queue",
  "open",
  "busy",
  "workers",
  "loopDelayMs",
  "residentBytes",
  "workersBytes",
  /** Share of the second in which the workers' event loops were busy, on average. */
  "utilization",
  /** Workers that were lost or recycled in this second. */
  "restarts",
  "errors",
] as const;
export type Series = (typeof SERIES)[number];
export type Row = Readonly<Record<Series, number>>;

export const HISTORY_SECONDS = 300;
/** So many workers have a history of their own; the others only their part of the sum. */
export const HISTORY_WORKERS = 16;

/** Plain data, the oldest first; all arrays are equally long. */
export interface HistoryReport {
  readonly series: Readonly<Record<Series, readonly number[]>>;
  /** Memory of single workers, bytes; 0 where it was not known. */
  readonly workers: readonly { readonly worker: number; readonly bytes: readonly number[] }[];
}

export class History {
  readonly #rows = new Float64Array(HISTORY_SECONDS * SERIES.length);
  readonly #workers = new Map<number, Float64Array>();
  /** Rows that were ever added. */
  #added = 0;

  /** `memory`: bytes by worker, of those whose memory is known. */
  add(row: Row, memory: ReadonlyMap<number, number>): void {
    const at = this.#added % HISTORY_SECONDS;
    for (const [column, name] of SERIES.entries()) this.#rows[at * SERIES.length + column] = row[name];
    for (const worker of memory.keys()) {
      if (this.#workers.has(worker)) continue;
      if (this.#workers.size >= HISTORY_WORKERS) this.#forgetOneOf(memory);
      if (this.#workers.size < HISTORY_WORKERS) this.#workers.set(worker, new Float64Array(HISTORY_SECONDS));
    }
    for (const [worker, bytes] of this.#workers) {
      bytes[at] = memory.get(worker) ?? 0;
      if (bytes.every((value) => value === 0)) this.#workers.delete(worker);
    }
    this.#added++;
  }

  /** Everything after the row whose `atMs` is `sinceMs`. */
  report(sinceMs = -1): HistoryReport {
    const kept = Math.min(this.#added, HISTORY_SECONDS);
    const order = Array.from({ length: kept }, (_, n) => (this.#added - kept + n) % HISTORY_SECONDS);
    const wanted = order.filter((at) => this.#value(at, 0) > sinceMs);
    return {
      series: Object.fromEntries(
        SERIES.map((name, column) => [name, wanted.map((at) => this.#value(at, column))]),
      ) as unknown as HistoryReport["series"],
      workers: [...this.#workers].map(([worker, bytes]) => ({ worker, bytes: wanted.map((at) => bytes[at] ?? 0) })),
    };
  }

  #value(at: number, column: number): number {
    return this.#rows[at * SERIES.length + column] ?? 0;
  }

  /** Makes room by a worker that is gone, the oldest. */
  #forgetOneOf(memory: ReadonlyMap<number, number>): void {
    for (const worker of this.#workers.keys()) {
      if (memory.has(worker)) continue;
      this.#workers.delete(worker);
      return;
    }
  }
}
