// A worker as the pool sees it: what it may be given, and the frames both ways. Who gets which
// exchange is the dispatcher's; what becomes of the worker is the workforce's.

import { buffersPassed } from "../base/buffer-garbage.ts";
import type { Clock, Instant } from "../base/clock.ts";
import { type FaultData, fromFaultData } from "../base/fault.ts";
import { type FrameWriter, readBatch } from "../messages/batch.ts";
import {
  type EscapedError,
  FROM_WORKER,
  REPLY_HEADROOM_BYTES,
  REPLY_PREFIX_BYTES,
  REPLY_TAILROOM_BYTES,
  type ReadyData,
  TO_WORKER,
  WINDOW_STEP_BYTES,
} from "../messages/lane.ts";
import type { WorkerState } from "../messages/lifecycle.ts";
import { giveBack, isLent } from "../messages/spare-buffers.ts";
import type { Assignment, Side } from "./assignment.ts";
import { writeBegin } from "./begin-frame.ts";
import type { Exchange } from "./exchange.ts";
import type { LoopTimes, Seat } from "./lane.ts";
import type { LifeSpan } from "./recycling.ts";
import { RoomWaiters } from "./room-waiters.ts";
import { Slots } from "./slots.ts";
import type { WorkerEvents } from "./worker-events.ts";

/** A batch holds about this much of a worker's recent time, so that the rest can still go elsewhere. */
const BATCH_MICROS = 1000;
/** Longer handlers begin one at a time: packing saves some ten microseconds each, and costs whoever is behind. */
const LONG_MICROS = 200;
/** …and never more exchanges than this. */
const BATCH_EXCHANGES = 64;
/** …and this many while the worker's time per exchange is not known. */
const BATCH_UNKNOWN = 4;
/** Slots beyond `concurrency`: for offers that were taken back and not yet met by the worker. */
export const SPARE_SLOTS = 64;

export interface WorkerHandleOptions {
  readonly id: number;
  readonly generation: number;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly span: LifeSpan;
  readonly events: WorkerEvents;
}

export class WorkerHandle {
  readonly id: number;
  readonly generation: number;
  readonly startedAt: Instant;
  readonly span: LifeSpan;
  readonly #options: WorkerHandleOptions;
  readonly #events: WorkerEvents;
  readonly #slots: Slots;
  readonly #side: Side;
  readonly #roomWaiters = new RoomWaiters();
  #seat: Seat | undefined;

  state: Exclude<WorkerState, "busy" | "stalled"> = "starting";
  served = 0;
  /** Heap and buffers when it was last weighed; 0: not yet. */
  memoryBytes = 0;
  weighings = 0;
  #weighing = false;
  #worn = false;
  #maxRequests: number;
  /** Handlers that went on after their deadline's signal. */
  ignoredDeadlines = 0;
  /** Errors that no handler caught. */
  escapedErrors = 0;

  constructor(options: WorkerHandleOptions) {
    this.id = options.id;
    this.generation = options.generation;
    this.#options = options;
    this.#events = options.events;
    this.startedAt = options.clock.now();
    this.span = options.span;
    this.#maxRequests = options.span.maxRequests;
    this.#side = {
      writer: () => this.#lane.writer,
      begun: (slot) => this.#lane.begun(slot),
      withdraw: (open) => this.#withdraw(open),
      overdue: (open) => this.#overdue(open),
      slow: (open) => options.events.slow(this, open.exchange),
      stirred: options.events.stirred,
      awaitRoom: (open) => this.#roomWaiters.add(open),
    };
    this.#slots = new Slots(this.slots, () => this.#lane);
  }

  get slots(): number {
    return this.#options.concurrency + SPARE_SLOTS;
  }

  sit(seat: Seat): void {
    this.#seat = seat;
  }

  get #lane() {
    if (this.#seat === undefined) throw new TypeError("a worker without a seat");
    return this.#seat.lane;
  }

  get open(): number {
    return this.#slots.open;
  }

  /** Those that are open on its lane. */
  get exchanges(): readonly Exchange[] {
    return this.#slots.exchanges;
  }

  /** Milliseconds that its event loop has waited and worked; undefined before its thread runs. */
  get loopTimes(): LoopTimes | undefined {
    return this.#seat?.loopTimes();
  }

  /** Of a worker that is a process of its own. */
  get pid(): number | undefined {
    return this.#seat?.pid;
  }

  /** Exchanges that it has answered, or was told to stop. */
  get completed(): number {
    return this.served - this.open;
  }

  /** It has been given all the requests that it may have. */
  get spent(): boolean {
    return this.served >= this.#maxRequests;
  }

  /** It is worn by the number of its requests, but of those some were taken back or are not begun. */
  get hasRequestsLeft(): boolean {
    return this.#worn && this.served - this.unbegun < this.span.renewAfterRequests;
  }

  /** Lifts the bound of its requests: nobody is there yet who could take over. */
  serveOn(): void {
    this.#maxRequests = Number.POSITIVE_INFINITY;
  }

  /** Has `memoryBytes` brought up to date soon, also if it computes. */
  weigh(): void {
    if (this.#weighing || this.#seat === undefined || this.state === "gone") return;
    this.#weighing = true;
    const weighed = (bytes: number | undefined): void => {
      this.#weighing = false;
      this.weighings++;
      this.memoryBytes = bytes ?? this.memoryBytes;
    };
    // A thread that begins or ends just now has no memory to speak of.
    this.#seat.memory().then(weighed, () => weighed(undefined));
  }

  /** What a person reads on the status page. */
  get visibleState(): WorkerState {
    if (this.state !== "idle") return this.state;
    if (this.open === 0) return "idle";
    return this.stalled ? "stalled" : "busy";
  }

  /** Its loop has not turned since something was taken back from it. */
  get stalled(): boolean {
    return this.#slots.unmet;
  }

  /** Exchanges that it may have beyond those it has, whatever its pace. */
  get spare(): number {
    return this.state === "idle" ? Math.max(0, this.#options.concurrency - this.open) : 0;
  }

  /** Exchanges that it may be given now without waiting behind more than a millisecond of others. */
  get room(): number {
    if (this.state !== "idle" || this.stalled) return 0;
    const micros = this.#lane.recentMicros();
    const batch = micros === 0 ? BATCH_UNKNOWN : batchOf(micros);
    return Math.min(
      this.#options.concurrency - this.open,
      batch - this.unbegun,
      this.#slots.free,
      this.#maxRequests - this.served,
    );
  }

  /** It is at an exchange of which it is to be expected that it takes long. */
  get computing(): boolean {
    return this.#lane.awake && this.#lane.recentMicros() >= LONG_MICROS;
  }

  /** How many of its exchanges it has not begun. */
  get unbegun(): number {
    return this.#slots.offered.length;
  }

  /** When the oldest exchange that it has not begun was given to it. */
  get waitingSince(): Instant | undefined {
    return this.#slots.offered[0]?.exchange.givenAt;
  }

  give(exchange: Exchange): void {
    const open = this.#slots.offer(exchange, this.#side);
    this.served++;
    if (this.served >= this.span.renewAfterRequests && !this.#worn) {
      this.#worn = true;
      this.#events.worn(this);
    }

    const given = exchange.give(open);
    const { requestTimeoutMs } = this.#options;
    const deadline = requestTimeoutMs === 0 ? Number.POSITIVE_INFINITY : exchange.givenAt + requestTimeoutMs;
    writeBegin(this.#lane.writer, open.slot, exchange, given, deadline);
    if (!given.complete) exchange.pump();
  }

  /** Takes back everything that it has not begun, oldest first; it is the caller's again. */
  takeBack(): Exchange[] {
    return this.#slots
      .withdrawAll((open) => this.#withdraw(open))
      .map(({ exchange }) => exchange)
      .filter((exchange) => !exchange.closed);
  }

  /** Takes what it has finished, without waiting for the end of its turn. */
  collect(): void {
    if (this.open > 0) this.#lane.collect();
  }

  /** What it finishes from now on it has to tell. */
  rest(): void {
    this.#seat?.lane.rest();
  }

  /** Sends what was written since the last turn. True: not all of it, or more waits for room; see `Lane.post`. */
  post(): boolean {
    this.#roomWaiters.pump();
    const holding = this.#seat?.lane.post() ?? false;
    return holding || this.#roomWaiters.any;
  }

  drain(withinMs: number): void {
    this.state = "draining";
    this.#lane.writer.word(TO_WORKER.DRAIN, 0, Math.max(0, Math.round(withinMs)));
    this.post();
  }

  terminate(): void {
    this.#seat?.terminate();
  }

  /** Gives its loop something to turn for; what is returned tells whether it has turned. */
  probe(): () => boolean {
    const lane = this.#lane;
    lane.post(true);
    const { sent } = lane;
    return () => lane.hasSeen(sent);
  }

  /** What it runs just now, as lines of a stack; undefined where that cannot be had in time. */
  async stack(withinMs: number): Promise<string | undefined> {
    return this.state === "gone" ? undefined : this.#seat?.stack(withinMs);
  }

  /** The worker is dead. What it had not begun comes back; what it had begun is in `lost`. */
  bury(): { readonly back: Exchange[]; readonly lost: Exchange[] } {
    this.state = "gone";
    const back = this.takeBack();
    return { back, lost: this.#slots.abandon() };
  }

  /** Where answers to what it asked go; undefined once it is gone. */
  get answers(): FrameWriter | undefined {
    return this.state === "gone" ? undefined : this.#seat?.lane.writer;
  }

  /** What the worker sent in one turn. */
  receive(batch: Buffer): void {
    readBatch(batch, (kind, slot, start, end) => this.#frame(kind, slot, batch, start, end));
    this.#events.stirred();
  }

  #frame(kind: number, slot: number, batch: Buffer, start: number, end: number): void {
    if (kind === FROM_WORKER.REPLY) {
      const status = batch.readUInt16LE(start);
      if (status >= 500 && batch.readUInt16LE(start + 2) !== 0) this.#events.handlerFailed();
      const open = this.#slots.finish(slot);
      if (open === undefined) return;
      open.exchange.status = status;
      const written = isLent(batch) ? () => giveBack(batch) : undefined;
      const at = start + REPLY_PREFIX_BYTES + REPLY_HEADROOM_BYTES;
      open.exchange.reply(batch, at, end - REPLY_TAILROOM_BYTES, written);
      return;
    }
    switch (kind) {
      case FROM_WORKER.HEAD: {
        const exchange = this.#slots.at(slot)?.exchange;
        if (exchange === undefined) break;
        exchange.status = batch.readUInt16LE(start);
        exchange.head(batch.subarray(start + REPLY_PREFIX_BYTES, end));
        break;
      }
      case FROM_WORKER.CHUNK: {
        const exchange = this.#slots.at(slot)?.exchange;
        if (!isLent(batch)) buffersPassed(end - start);
        exchange?.chunk(batch.subarray(start, end), (bytes, of) => {
          this.#credit(slot, of, bytes);
          giveBack(batch);
        });
        break;
      }
      case FROM_WORKER.END:
        this.#slots.finish(slot)?.exchange.end();
        break;
      case FROM_WORKER.STOPPED:
        this.#slots.finish(slot)?.exchange.stopped();
        break;
      case FROM_WORKER.FAIL: {
        const fault = fromFaultData(json<FaultData>(batch, start, end));
        this.#events.handlerFailed();
        this.#slots.finish(slot)?.exchange.fail(fault);
        break;
      }
      case FROM_WORKER.TAKEN:
        this.#slots.at(slot)?.exchange.taken(batch.readUInt32LE(start));
        break;
      case FROM_WORKER.RETURNED:
        this.#givenBack(slot);
        break;
      case FROM_WORKER.READY:
        this.state = "idle";
        this.#events.ready(this, json<ReadyData>(batch, start, end));
        break;
      case FROM_WORKER.BOOT_FAILED:
        this.#events.bootFailed(this, json<FaultData>(batch, start, end));
        break;
      case FROM_WORKER.UNSOUND:
        this.#events.unsound(this, json<EscapedError>(batch, start, end));
        break;
      case FROM_WORKER.ASK:
        this.#events.asked(this, batch.subarray(start, end));
        break;
      case FROM_WORKER.LOADED:
        this.#events.loaded(batch.toString("utf8", start, end), slot === 1);
        break;
    }
  }

  // The credit of a reply that ended, or whose slot names another exchange by now, is nobody's.
  #credit(slot: number, exchange: Exchange, bytes: number): void {
    const open = this.#slots.at(slot);
    if (open?.exchange !== exchange) return;
    open.creditBytes += bytes;
    if (open.creditBytes < WINDOW_STEP_BYTES) return;
    this.#lane.writer.word(TO_WORKER.CREDIT, slot, open.creditBytes);
    open.creditBytes = 0;
    this.#events.stirred();
  }

  #overdue(open: Assignment): void {
    // The post that tells the handler to stop is the next one.
    const told = (this.#lane.sent + 1) | 0;
    this.#events.overdue(this, {
      exchange: open.exchange,
      finished: () => open.finished,
      loopTurned: () => this.#lane.hasSeen(told),
    });
  }

  /** It came too late to begin an offer, and did not. */
  #givenBack(slot: number): void {
    const exchange = this.#slots.giveBack(slot)?.exchange;
    if (exchange === undefined) return;
    this.served--;
    if (exchange.closed) {
      exchange.carrierDone();
      return;
    }
    exchange.takenBack();
    // Nobody is late for ever.
    exchange.firm = true;
    this.#events.givenBack(exchange);
  }

  #withdraw(open: Assignment): boolean {
    if (!this.#slots.withdraw(open)) return false;
    this.served--;
    if (!open.exchange.closed) open.exchange.takenBack();
    return true;
  }
}

function batchOf(micros: number): number {
  return micros >= LONG_MICROS ? 1 : Math.min(BATCH_EXCHANGES, Math.floor(BATCH_MICROS / micros));
}

function json<T>(batch: Buffer, start: number, end: number): T {
  return JSON.parse(batch.toString("utf8", start, end)) as T;
}
