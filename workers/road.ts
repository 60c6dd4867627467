// What carries a worker's frames: shared memory to a thread's pool (thread-road.ts), a pipe to a child
// process's (pipe-road.ts). The lane's end (lane.ts) knows no more of it than this.

import type { FrameWriter } from "../src/messages/batch.ts";

/** What a road tells the lane. */
export interface RoadListener {
  /** A batch from the pool. */
  received(batch: Buffer): void;
  /** The pool has said something, if only that it wants to know whether the loop turns. */
  stirred(): void;
}

export interface Road {
  readonly writer: FrameWriter;
  /** What to take from an instant of the pool's (`timeOrigin` + `now`) to have one of this worker's `performance.now()`. */
  readonly timeOrigin: number;
  listen(listener: RoadListener): void;
  /** What was written is whole: the pool may take it, if it can take anything before `flush`. */
  publish(): void;
  /** A reply is finished: neither another handler nor the worker's end may hold it up from now on. */
  finished(): void;
  /** Sends what was written. True: some of it waits for the pool to make room, and is to be flushed again soon. */
  flush(): boolean;
  /** The turn is over: the pool has to wake this worker from now on. */
  rest(): void;
  /** Whether the offer that the pool made in `slot` may be begun now. True is said once, and then it is begun. */
  claim(slot: number, flags: number): boolean;
  /** The smoothed time per exchange, microseconds. */
  spent(micros: number): void;
  /** Resolves when all that was written has left; nothing follows. */
  close(): Promise<void>;
}
