// The pool's end of a lane to a thread: rings in shared memory both ways, a bell each way, a port for
// what a ring has no room for, and words that tell what the thread has begun.

import type { MessagePort } from "node:worker_threads";
import {
  type BellAddress,
  FIRST_SLOT_WORD,
  SLOT_BEGUN,
  SLOT_OFFERED,
  SLOT_SEEN,
  SLOT_TAKEN_BACK,
  WORD_POSTS_SEEN,
  WORD_POSTS_SENT,
  WORD_RECENT_MICROS,
} from "../messages/lane.ts";
import { nextPosted } from "../messages/port.ts";
import { RingReader, RingWriter } from "../messages/ring.ts";
import type { Bells, ThreadBell } from "./bells.ts";
import type { Lane } from "./lane.ts";

export interface ThreadLaneOptions {
  readonly port: MessagePort;
  readonly words: SharedArrayBuffer;
  readonly inbox: SharedArrayBuffer;
  readonly outbox: SharedArrayBuffer;
  readonly bells: Bells;
  /** Gets what the worker says, in order. */
  readonly received: (batch: Buffer) => void;
}

export class ThreadLane implements Lane {
  readonly writer: RingWriter;
  readonly #reader: RingReader;
  readonly #bell: ThreadBell;
  readonly #port: MessagePort;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Batches that came by the port before the ring told where they belong. */
  readonly #posted: Buffer[] = [];

  constructor({ port, words, inbox, outbox, bells, received }: ThreadLaneOptions) {
    this.#port = port;
    this.#words = new Int32Array(words);
    this.writer = new RingWriter(inbox, (batch) => port.postMessage(batch, [batch]));
    this.#reader = new RingReader(outbox, received, () => this.#posted.shift() ?? nextPosted(port));
    this.#bell = bells.expect({ rung: () => this.#rung(), ringPort: () => port.postMessage(null) });
    port.on("message", (message: ArrayBuffer | null) => {
      if (message !== null) this.#posted.push(Buffer.from(message));
      this.#rung();
    });
  }

  /** Where the thread connects for its bell. */
  get bellAddress(): BellAddress | undefined {
    return this.#bell.address;
  }

  post(always = false): boolean {
    if (!this.writer.stirred && !always) return false;
    Atomics.add(this.#words, WORD_POSTS_SENT, 1);
    if (this.writer.flush() || always) this.#bell.ring();
    return this.writer.holding;
  }

  collect(): void {
    if (this.#reader.filled) this.#reader.take();
  }

  rest(): void {
    if (!this.#reader.rest()) this.collect();
  }

  close(): void {
    this.#port.close();
    this.#bell.close();
  }

  offer(slot: number): void {
    Atomics.store(this.#words, FIRST_SLOT_WORD + slot, SLOT_OFFERED);
  }

  begun(slot: number): boolean {
    return Atomics.load(this.#words, FIRST_SLOT_WORD + slot) === SLOT_BEGUN;
  }

  takeBack(slot: number): boolean {
    const was = Atomics.compareExchange(this.#words, FIRST_SLOT_WORD + slot, SLOT_OFFERED, SLOT_TAKEN_BACK);
    return was === SLOT_OFFERED;
  }

  metTakenBack(slot: number): boolean {
    return Atomics.load(this.#words, FIRST_SLOT_WORD + slot) === SLOT_SEEN;
  }

  get sent(): number {
    return Atomics.load(this.#words, WORD_POSTS_SENT);
  }

  hasSeen(post: number): boolean {
    return ((Atomics.load(this.#words, WORD_POSTS_SEEN) - post) | 0) >= 0;
  }

  get awake(): boolean {
    return this.writer.readerAwake;
  }

  recentMicros(): number {
    return Atomics.load(this.#words, WORD_RECENT_MICROS);
  }

  #rung(): void {
    // What is there has the pool turn, and rest after that.
    if (this.#reader.filled) this.#reader.take();
    else this.rest();
  }
}
