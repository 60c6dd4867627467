// The most of everything that there was at one time, looked at at the end of each turn of the loop, when
// what could be given out is given out.

/** What is looked at. */
export interface Load {
  readonly queued: number;
  readonly open: number;
  readonly workers: readonly { readonly open: number }[];
}

export class Peaks {
  queue = 0;
  open = 0;
  busyWorkers = 0;

  /** What was seen does not count. */
  forget(): void {
    this.queue = 0;
    this.open = 0;
    this.busyWorkers = 0;
  }

  look({ queued, open, workers }: Load): void {
    if (queued > this.queue) this.queue = queued;
    if (open > this.open) this.open = open;
    let busy = 0;
    for (const worker of workers) if (worker.open > 0) busy++;
    if (busy > this.busyWorkers) this.busyWorkers = busy;
  }
}
