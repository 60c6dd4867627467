// The worker's end of its lane: frames in, exchanges to the host, frames out. Marks in the shared
// words what it begins, so that the pool knows even when this thread spins or dies.

import { setTimeout as delay } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { buffersPassed } from "../src/base/buffer-garbage.ts";
import { Fault } from "../src/base/fault.ts";
import { roleOf } from "../src/fastcgi/record.ts";
import { readBatch } from "../src/messages/batch.ts";
import {
  ABORT_REASONS,
  BEGIN_FLAG_BODY_COMPLETE,
  BEGIN_PREFIX_BYTES,
  FIRST_SLOT_WORD,
  HOLD_MS,
  SLOT_BEGUN,
  SLOT_OFFERED,
  SLOT_SEEN,
  TO_WORKER,
  WORD_POSTS_SEEN,
  WORD_POSTS_SENT,
  WORD_RECENT_MICROS,
  type WorkerLife,
} from "../src/messages/lane.ts";
import { nextPosted } from "../src/messages/port.ts";
import { RingReader, RingWriter } from "../src/messages/ring.ts";
import { Bell } from "./bell.ts";
import { OpenExchange, type Outgoing } from "./open-exchange.ts";
import { LanePoolState } from "./pool-state.ts";

/** An exchange may keep a batch alive for the sake of its params; a longer one not. */
const KEEP_BATCH_BYTES = 64 * 1024;
/** How much one turn weighs in the smoothed time per exchange. */
const RECENT_WEIGHT = 1 / 8;

export interface LaneOwner {
  handle(exchange: OpenExchange): void;
  drain(withinMs: number): void;
}

/** The worker's end of its lane. */
export type LaneEnd = Pick<WorkerLife, "port" | "words" | "inbox" | "outbox" | "bell">;

export class WorkerLane implements Outgoing {
  readonly writer: RingWriter;
  readonly log: Outgoing["log"];
  /** What this worker shares with the pool's others. */
  readonly state: LanePoolState = new LanePoolState(this);
  readonly #inbox: RingReader;
  readonly #bell: Bell;
  readonly #port: MessagePort;
  /** Batches that came by the port before the ring told where they belong. */
  readonly #posted: Buffer[] = [];
  readonly #words: Int32Array;
  readonly #open = new Map<number, OpenExchange>();
  #owner: LaneOwner | undefined;
  #emptied: (() => void) | undefined;
  #flushDue = false;
  #turnStarted = 0;
  #begunInTurn = 0;
  #recentMicros = 0;
  readonly #flushBound = () => this.flush();

  /** `log` takes lines about an exchange. */
  constructor({ port, words, inbox, outbox, bell }: LaneEnd, log: Outgoing["log"]) {
    this.log = log;
    this.#port = port;
    this.#words = new Int32Array(words);
    this.writer = new RingWriter(outbox, (batch) => port.postMessage(batch, [batch]));
    this.#inbox = new RingReader(
      inbox,
      (batch) => this.#receive(batch),
      () => this.#posted.shift() ?? nextPosted(port),
    );
    this.#bell = new Bell(port, bell, () => this.#rung());
    port.on("message", (message: ArrayBuffer | null) => {
      if (message !== null) this.#posted.push(Buffer.from(message));
      this.#rung();
    });
  }

  get open(): number {
    return this.#open.size;
  }

  serve(owner: LaneOwner): void {
    this.#owner = owner;
  }

  /** What was written is whole; the pool is told at the end of this turn of the event loop, if it has not seen it. */
  stirred(): void {
    this.writer.publish();
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(this.#flushBound);
  }

  finished(slot: number): void {
    // Nobody else's handler, nor this thread's end, may hold up a reply that is finished.
    if (this.writer.holding) this.writer.publishAll();
    this.#open.delete(slot);
    if (this.#open.size === 0) this.#emptied?.();
  }

  /** Resolves once no exchange is open: a reply may wait for credit long after its handler. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#emptied = resolve;
    });
  }

  json(kind: number, value: unknown): void {
    this.writer.json(kind, 0, value);
    this.stirred();
  }

  flush(): void {
    this.#flushDue = false;
    if (this.writer.flush()) this.#bell.ring();
    if (this.writer.holding) this.#flushLater();
    this.#account();
    if (!this.#inbox.rest()) this.#rung();
  }

  /** Resolves when all that was written has left; nothing follows. */
  async close(): Promise<void> {
    this.state.close(new Fault("OVERLOAD", "the worker has ended"));
    this.flush();
    while (this.writer.holding) await delay(HOLD_MS);
    this.#port.close();
    this.#bell.close();
  }

  #rung(): void {
    Atomics.store(this.#words, WORD_POSTS_SEEN, Atomics.load(this.#words, WORD_POSTS_SENT));
    this.#inbox.take();
    this.stirred();
  }

  #flushLater(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setTimeout(this.#flushBound, HOLD_MS);
  }

  #account(): void {
    if (this.#begunInTurn === 0) return;
    const micros = ((performance.now() - this.#turnStarted) * 1000) / this.#begunInTurn;
    this.#begunInTurn = 0;
    this.#recentMicros += (micros - this.#recentMicros) * (this.#recentMicros === 0 ? 1 : RECENT_WEIGHT);
    Atomics.store(this.#words, WORD_RECENT_MICROS, Math.max(1, Math.round(this.#recentMicros)));
  }

  #receive(batch: Buffer): void {
    if (this.#begunInTurn === 0) this.#turnStarted = performance.now();
    readBatch(batch, (kind, slot, start, end) => this.#frame(kind, slot, batch, start, end));
  }

  #frame(kind: number, slot: number, batch: Buffer, start: number, end: number): void {
    switch (kind) {
      case TO_WORKER.BEGIN:
        this.#begin(slot, batch, start, end);
        break;
      case TO_WORKER.BODY:
        buffersPassed(end - start);
        this.#open.get(slot)?.stdin.push(batch.subarray(start, end));
        break;
      case TO_WORKER.BODY_END:
        this.#open.get(slot)?.stdin.end();
        break;
      case TO_WORKER.DATA:
        this.#open.get(slot)?.data?.push(batch.subarray(start, end));
        break;
      case TO_WORKER.DATA_END:
        this.#open.get(slot)?.data?.end();
        break;
      case TO_WORKER.CREDIT:
        this.#open.get(slot)?.credit(batch.readUInt32LE(start));
        break;
      case TO_WORKER.ABORT:
        this.#open.get(slot)?.abort(ABORT_REASONS[batch[start] ?? 0] ?? "client-gone");
        break;
      case TO_WORKER.ANSWER:
        this.state.answered(batch.subarray(start, end));
        break;
      case TO_WORKER.DRAIN:
        this.#owner?.drain(batch.readUInt32LE(start));
        break;
    }
  }

  #begin(slot: number, batch: Buffer, start: number, end: number): void {
    const word = FIRST_SLOT_WORD + slot;
    if (Atomics.compareExchange(this.#words, word, SLOT_OFFERED, SLOT_BEGUN) !== SLOT_OFFERED) {
      Atomics.store(this.#words, word, SLOT_SEEN);
      return;
    }
    this.#begunInTurn++;
    const paramsEnd = start + BEGIN_PREFIX_BYTES + batch.readUInt32LE(start + 12);
    const exchange = new OpenExchange({
      outbox: this,
      slot,
      role: roleOf(batch[start] ?? 0) ?? "responder",
      params: keepable(batch, start + BEGIN_PREFIX_BYTES, paramsEnd),
      deadline: batch.readDoubleLE(start + 4) - performance.timeOrigin,
    });
    if (paramsEnd < end) exchange.stdin.push(batch.subarray(paramsEnd, end));
    if (((batch[start + 1] ?? 0) & BEGIN_FLAG_BODY_COMPLETE) !== 0) exchange.stdin.end();
    this.#open.set(slot, exchange);
    this.#owner?.handle(exchange);
    this.stirred();
  }
}

function keepable(batch: Buffer, start: number, end: number): Buffer {
  const part = batch.subarray(start, end);
  return batch.length > KEEP_BATCH_BYTES ? Buffer.from(part) : part;
}
