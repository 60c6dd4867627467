// The road between a pool and one worker: batches of frames both ways, and what the pool can know
// of the worker without asking it. Two kinds of road are meant: a MessagePort with shared words for
// threads (threads.ts), and a pipe for child processes. Nothing outside threads.ts knows which.

import type { WorkerBoot } from "../messages/lane.ts";

export interface Lane {
  /** Sends one batch; ownership of the memory passes. */
  send(batch: ArrayBuffer): void;
  /** Prepares a slot for a new BEGIN. */
  offer(slot: number): void;
  /** True once the worker has begun what was offered in this slot. */
  begun(slot: number): boolean;
  /** Takes an offer back. False: too late, the worker has begun it. */
  takeBack(slot: number): boolean;
  /** True once the worker has met the frame of an offer that was taken back: the slot is free. */
  metTakenBack(slot: number): boolean;
  /** How many batches were sent; counts modulo 2³². */
  readonly sent: number;
  /** True once the worker's loop has turned for the batch with this number. */
  hasSeen(batch: number): boolean;
  /** The worker's own time per exchange lately, microseconds; 0: not known yet. */
  recentMicros(): number;
}

/** One place for a worker, from its start until its thread is gone. */
export interface Seat {
  readonly lane: Lane;
  /**
   * Resolves when the worker has drained and its thread is gone; rejects with what killed it, also
   * only when the thread is gone.
   */
  readonly life: Promise<void>;
  /** Ends the worker now, whatever it does; `life` rejects. */
  terminate(): void;
}

/** Where workers come from. */
export interface WorkerSource {
  /** Starts a worker with room for `slots` open exchanges; `onBatch` gets what it sends. */
  start(boot: WorkerBoot, slots: number, onBatch: (batch: Buffer) => void): Seat;
  /** Ends whatever is left. */
  close(): Promise<void>;
}
