// The worker's end of its lane: frames in, exchanges to the host, frames out. What it begins it claims
// on its road first, so that the pool knows even when this worker spins or dies.

import { buffersPassed } from "../src/base/buffer-garbage.ts";
import { Fault } from "../src/base/fault.ts";
import { roleOf } from "../src/fastcgi/record.ts";
import { type FrameWriter, readBatch } from "../src/messages/batch.ts";
import {
  ABORT_REASONS,
  BEGIN_FLAG_BODY_COMPLETE,
  BEGIN_FLAG_REHEARSAL,
  BEGIN_PREFIX_BYTES,
  HOLD_MS,
  TO_WORKER,
} from "../src/messages/lane.ts";
import { OpenExchange, type Outgoing } from "./open-exchange.ts";
import { LanePoolState } from "./pool-state.ts";
import type { Road } from "./road.ts";

/** An exchange may keep a batch alive for the sake of its params; a longer one not. */
const KEEP_BATCH_BYTES = 64 * 1024;
/** How much one turn weighs in the smoothed time per exchange. */
const RECENT_WEIGHT = 1 / 8;

export interface LaneOwner {
  handle(exchange: OpenExchange): void;
  drain(withinMs: number): void;
}

export class WorkerLane implements Outgoing {
  readonly writer: FrameWriter;
  readonly log: Outgoing["log"];
  /** What this worker shares with the pool's others. */
  readonly state: LanePoolState = new LanePoolState(this);
  readonly #road: Road;
  /** By slot. An array: a Map makes a table after the other, and each keeps what it held alive for the next collection. */
  readonly #open: (OpenExchange | undefined)[] = [];
  #openCount = 0;
  #owner: LaneOwner | undefined;
  #emptied: (() => void) | undefined;
  #flushDue = false;
  #turnStarted = 0;
  #begunInTurn = 0;
  #begun = 0;
  #recentMicros = 0;
  readonly #flushBound = () => this.flush();

  /** `log` takes lines about an exchange. */
  constructor(road: Road, log: Outgoing["log"]) {
    this.log = log;
    this.#road = road;
    this.writer = road.writer;
    road.listen({ received: (batch) => this.#receive(batch), stirred: () => this.stirred() });
  }

  get open(): number {
    return this.#openCount;
  }

  /** Exchanges that ever were begun. */
  get begun(): number {
    return this.#begun;
  }

  serve(owner: LaneOwner): void {
    this.#owner = owner;
  }

  /** What was written is whole; the pool is told at the end of this turn of the event loop, if it has not seen it. */
  stirred(): void {
    this.#road.publish();
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(this.#flushBound);
  }

  finished(slot: number): void {
    this.#road.finished();
    if (this.#open[slot] === undefined) return;
    this.#open[slot] = undefined;
    this.#openCount--;
    if (this.#openCount === 0) this.#emptied?.();
  }

  /** Resolves once no exchange is open: a reply may wait for credit long after its handler. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#openCount === 0) resolve();
      else this.#emptied = resolve;
    });
  }

  json(kind: number, value: unknown): void {
    this.writer.json(kind, 0, value);
    this.stirred();
  }

  flush(): void {
    this.#flushDue = false;
    this.#account();
    if (this.#road.flush()) this.#flushLater();
    this.#road.rest();
  }

  /** Resolves when all that was written has left; nothing follows. */
  async close(): Promise<void> {
    this.state.close(new Fault("OVERLOAD", "the worker has ended"));
    this.#flushDue = true;
    await this.#road.close();
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
    this.#road.spent(Math.max(1, Math.round(this.#recentMicros)));
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
        this.#open[slot]?.stdin.push(batch.subarray(start, end));
        break;
      case TO_WORKER.BODY_END:
        this.#open[slot]?.stdin.end();
        break;
      case TO_WORKER.DATA:
        this.#open[slot]?.data?.push(batch.subarray(start, end));
        break;
      case TO_WORKER.DATA_END:
        this.#open[slot]?.data?.end();
        break;
      case TO_WORKER.CREDIT:
        this.#open[slot]?.credit(batch.readUInt32LE(start));
        break;
      case TO_WORKER.ABORT:
        this.#open[slot]?.abort(ABORT_REASONS[batch[start] ?? 0] ?? "client-gone");
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
    const flags = batch[start + 1] ?? 0;
    if (!this.#road.claim(slot, flags)) return;
    this.#begunInTurn++;
    this.#begun++;
    const paramsEnd = start + BEGIN_PREFIX_BYTES + batch.readUInt32LE(start + 12);
    const exchange = new OpenExchange({
      outbox: this,
      slot,
      role: roleOf(batch[start] ?? 0) ?? "responder",
      params: keepable(batch, start + BEGIN_PREFIX_BYTES, paramsEnd),
      deadline: batch.readDoubleLE(start + 4) - this.#road.timeOrigin,
      rehearsal: (flags & BEGIN_FLAG_REHEARSAL) !== 0,
    });
    if (paramsEnd < end) exchange.stdin.push(batch.subarray(paramsEnd, end));
    if ((flags & BEGIN_FLAG_BODY_COMPLETE) !== 0) exchange.stdin.end();
    this.#open[slot] = exchange;
    this.#openCount++;
    this.#owner?.handle(exchange);
    this.stirred();
  }
}

function keepable(batch: Buffer, start: number, end: number): Buffer {
  const part = batch.subarray(start, end);
  return batch.length > KEEP_BATCH_BYTES ? Buffer.from(part) : part;
}
