// The road between a pool and one worker: batches of frames both ways, and what the pool can know
// of the worker without asking it. There are two kinds of road: shared memory for threads
// (thread-lane.ts), and a pipe for child processes (pipe-lane.ts). Nothing outside threads.ts and
// processes.ts knows which.

import type { FrameWriter } from "../messages/batch.ts";
import type { WorkerBoot } from "../messages/lane.ts";

export interface Lane {
  /** Where to write frames for the worker. */
  readonly writer: FrameWriter;
  /**
   * Sends what was written. `always`: also if that is nothing, so that the worker's loop turns. True: some
   * of it waits for the worker to make room, and is to be posted again soon.
   */
  post(always?: boolean): boolean;
  /** Takes what the worker has finished, also while it computes and cannot say so itself. */
  collect(): void;
  /** The pool has done what there was to do: from now on the worker has to wake it. */
  rest(): void;
  /** Prepares a slot for a new BEGIN. */
  offer(slot: number): void;
  /** True once the worker has begun what was offered in this slot. */
  begun(slot: number): boolean;
  /** Takes an offer back. False: too late, the worker has begun it. */
  takeBack(slot: number): boolean;
  /** True once the worker has met the frame of an offer that was taken back: the slot is free. */
  metTakenBack(slot: number): boolean;
  /** How many posts there were; counts modulo 2³². */
  readonly sent: number;
  /** True once the worker's loop has turned for the post with this number. */
  hasSeen(post: number): boolean;
  /** The worker is in a turn of its loop with what it was sent; false where that is not known. */
  readonly awake: boolean;
  /** The worker's own time per exchange lately, microseconds; 0: not known yet. */
  recentMicros(): number;
}

/** Milliseconds that an event loop has waited and worked since it began. */
export interface LoopTimes {
  readonly idle: number;
  readonly active: number;
}

/** One place for a worker, from its start until its thread, or its process, is gone. */
export interface Seat {
  readonly lane: Lane;
  /** Of a worker that is a process of its own. */
  readonly pid?: number;
  /**
   * Resolves when the worker has drained and its thread is gone; rejects with what killed it, also
   * only when the thread is gone.
   */
  readonly life: Promise<void>;
  /** Ends the worker now, whatever it does; `life` rejects. */
  terminate(): void;
  /** Bytes of its heap and its buffers, also while it computes; undefined while there are none. */
  memory(): Promise<number | undefined>;
  /** How its event loop has spent its time; undefined while there is none. */
  loopTimes(): LoopTimes | undefined;
  /** The calls that the worker is in, the innermost first, one per line; undefined where they cannot be had in time. */
  stack(withinMs: number): Promise<string | undefined>;
}

/** Where workers come from. */
export interface WorkerSource {
  /** Threads or processes of workers that exist. */
  readonly alive: number;
  /** Starts a worker with room for `slots` open exchanges; `onBatch` gets what it sends. */
  start(boot: WorkerBoot, slots: number, onBatch: (batch: Buffer) => void): Seat;
  /** Ends whatever is left. */
  close(): Promise<void>;
}
