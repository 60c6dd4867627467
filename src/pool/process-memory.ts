// Watches what the whole process holds in memory, threads and all; whose it is, the kernel does not
// say, so only a new process helps.

import type { Clock, Instant } from "../base/clock.ts";

/** An app that needs more than the limit from the start must not spend its time starting processes, ms. */
export const PROCESS_REST_MS = 5000;

export interface ProcessMemoryOptions {
  /** recycle.max_process_memory; 0: none. */
  readonly limitBytes: number;
  readonly clock: Clock;
  /** Default: this process's. */
  readonly residentBytes?: () => number;
}

export class ProcessMemory {
  readonly #options: ProcessMemoryOptions;
  readonly #since: Instant;
  #told = false;

  constructor(options: ProcessMemoryOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  /** Why the process is to be replaced, in words for the log; said once. To be called now and then. */
  look(): string | undefined {
    const { limitBytes, clock, residentBytes = process.memoryUsage.rss } = this.#options;
    if (limitBytes === 0 || this.#told || clock.now() - this.#since < PROCESS_REST_MS) return undefined;
    const bytes = residentBytes();
    if (bytes < limitBytes) return undefined;
    this.#told = true;
    return `recycle.max_process_memory: it holds ${Math.round(bytes / 1024 / 1024)} MiB`;
  }
}
