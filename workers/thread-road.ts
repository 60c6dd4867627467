// A thread's road to its pool: rings in shared memory both ways, a bell each way, a port for what a ring
// has no room for, and words that tell what this thread has begun, so that the pool knows even when the
// thread spins or dies.

import { setTimeout as delay } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import {
  FIRST_SLOT_WORD,
  HOLD_MS,
  SLOT_BEGUN,
  SLOT_OFFERED,
  SLOT_SEEN,
  WORD_POSTS_SEEN,
  WORD_POSTS_SENT,
  WORD_RECENT_MICROS,
  type WorkerLife,
} from "../src/messages/lane.ts";
import { nextPosted } from "../src/messages/port.ts";
import { RingReader, RingWriter } from "../src/messages/ring.ts";
import { Bell } from "./bell.ts";
import type { Road, RoadListener } from "./road.ts";

/** The thread's end of its lane. */
export type ThreadEnd = Pick<WorkerLife, "port" | "words" | "inbox" | "outbox" | "bell">;

export class ThreadRoad implements Road {
  readonly writer: RingWriter;
  readonly timeOrigin = performance.timeOrigin;
  readonly #inbox: RingReader;
  readonly #bell: Bell;
  readonly #port: MessagePort;
  /** Batches that came by the port before the ring told where they belong. */
  readonly #posted: Buffer[] = [];
  readonly #words: Int32Array;
  #listener: RoadListener | undefined;

  constructor({ port, words, inbox, outbox, bell }: ThreadEnd) {
    this.#port = port;
    this.#words = new Int32Array(words);
    this.writer = new RingWriter(outbox, (batch) => port.postMessage(batch, [batch]));
    this.#inbox = new RingReader(
      inbox,
      (batch) => this.#listener?.received(batch),
      () => this.#posted.shift() ?? nextPosted(port),
    );
    this.#bell = new Bell(port, bell, () => this.#rung());
  }

  listen(listener: RoadListener): void {
    this.#listener = listener;
    this.#port.on("message", (message: ArrayBuffer | null) => {
      if (message !== null) this.#posted.push(Buffer.from(message));
      this.#rung();
    });
  }

  publish(): void {
    this.writer.publish();
  }

  finished(): void {
    if (this.writer.holding) this.writer.publishAll();
  }

  flush(): boolean {
    if (this.writer.flush()) this.#bell.ring();
    return this.writer.holding;
  }

  rest(): void {
    if (!this.#inbox.rest()) this.#rung();
  }

  claim(slot: number): boolean {
    const word = FIRST_SLOT_WORD + slot;
    if (Atomics.compareExchange(this.#words, word, SLOT_OFFERED, SLOT_BEGUN) === SLOT_OFFERED) return true;
    Atomics.store(this.#words, word, SLOT_SEEN);
    return false;
  }

  spent(micros: number): void {
    Atomics.store(this.#words, WORD_RECENT_MICROS, micros);
  }

  async close(): Promise<void> {
    while (this.flush()) await delay(HOLD_MS);
    this.#port.close();
    this.#bell.close();
  }

  #rung(): void {
    Atomics.store(this.#words, WORD_POSTS_SEEN, Atomics.load(this.#words, WORD_POSTS_SENT));
    this.#inbox.take();
    this.#listener?.stirred();
  }
}
