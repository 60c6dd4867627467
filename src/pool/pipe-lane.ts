// The pool's end of a lane to a child process: a pipe with a message each way per turn, and the claims of
// what the worker begins (src/messages/pipe.ts has the rules). Nothing is shared: what the worker has not
// said is not known, and an offer whose lease has not ended is the worker's.

import type { Socket } from "node:net";
import { BatchWriter, readBatch } from "../messages/batch.ts";
import {
  BEGIN_FLAG_BODY_COMPLETE,
  BEGIN_FLAG_FIRM,
  BEGIN_FLAG_REVOKED,
  FROM_WORKER,
  TO_WORKER,
} from "../messages/lane.ts";
import { LEASE_MS, MESSAGE_HEADER_BYTES, MessageReader, sharedClockMs, writeMessageHeader } from "../messages/pipe.ts";
import { ASKS_WINDOW, countsInWindow } from "../messages/state.ts";
import type { Lane, LoopTimes } from "./lane.ts";

/** The claims of a worker that begins nothing are looked at this often, at most, ms. */
const LOOK_MS = 1;
/**
 * Asks whose answers a worker has not taken: it keeps to ASKS_WINDOW, but for those that it gave up while the pool stood
 * still. Past this it is ended, or it would fill the pool's memory with what it never reads.
 */
export const UNTAKEN_MAX = 16 * ASKS_WINDOW;

export interface PipeLaneOptions {
  readonly socket: Socket;
  /** How many offers the worker has claimed until now, modulo 2³². */
  readonly claimed: () => number;
  /** Gets what the worker says, in order. */
  readonly received: (batch: Buffer) => void;
  /** The worker said what cannot be understood, or asked without end. Nothing that it says is read from then on. */
  readonly broken: (error: unknown) => void;
}

/** What the worker holds, by its own account. */
export interface Weight {
  readonly bytes: number;
  readonly loop: LoopTimes;
}

interface Offer {
  /** Which one it is, from 1; undefined: not sent yet. */
  readonly number: number | undefined;
  readonly leaseMs: number;
}

const UNSENT: Offer = { number: undefined, leaseMs: Number.POSITIVE_INFINITY };

export class PipeLane implements Lane {
  readonly writer = new OfferWriter();
  readonly #options: PipeLaneOptions;
  readonly #reader: MessageReader;
  /** By slot. */
  readonly #offers: (Offer | undefined)[] = [];
  /** Slots whose offers the worker gave back. */
  readonly #returned = new Set<number>();
  #sentOffers = 0;
  #claimed = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #sent = 0;
  #seen = 0;
  #micros = 0;
  /** Asks whose answers are not in the pipe, and those of them that are answered since the last post. */
  #untaken = 0;
  #answered = 0;
  #isBroken = false;
  #life: "alive" | "dead" | "unknown" = "alive";
  /** It has said that nothing follows. */
  drained = false;
  #weighing: PromiseWithResolvers<Weight> | undefined;

  constructor(options: PipeLaneOptions) {
    this.#options = options;
    this.#reader = new MessageReader((batch) => this.#receive(batch));
    options.socket.on("data", (bytes: Buffer) => {
      if (this.#isBroken) return;
      try {
        this.#reader.push(bytes);
      } catch (error) {
        this.#isBroken = true;
        options.broken(error);
      }
    });
    options.socket.on("error", () => {}); // its process has ended, and says so
  }

  get sent(): number {
    return this.#sent;
  }

  post(always = false): boolean {
    if (this.writer.empty && !always) return false;
    const { socket } = this.#options;
    if (socket.destroyed || socket.writableEnded) return false;
    if (socket.writableNeedDrain && !always) return true;
    this.#sent = (this.#sent + 1) >>> 0;
    const leaseMs = sharedClockMs() + LEASE_MS;
    for (const { slot, flags } of this.writer.takeOffers()) {
      this.#sentOffers = (this.#sentOffers + 1) >>> 0;
      const firm = (flags & BEGIN_FLAG_FIRM) !== 0;
      this.#offers[slot] = { number: this.#sentOffers, leaseMs: firm ? Number.POSITIVE_INFINITY : leaseMs };
    }
    const message = this.writer.takeBehind(MESSAGE_HEADER_BYTES);
    writeMessageHeader(message, leaseMs);
    if (this.#answered === 0) socket.write(message);
    else this.#writeAnswers(message);
    return false;
  }

  /** What the worker has finished is in the pipe, and comes with this loop's next turn. */
  collect(): void {}

  rest(): void {}

  offer(slot: number): void {
    this.#returned.delete(slot);
    this.#offers[slot] = UNSENT;
  }

  begun(slot: number): boolean {
    return this.#isClaimed(this.#offers[slot], LOOK_MS);
  }

  takeBack(slot: number): boolean {
    const offer = this.#offers[slot];
    if (offer === undefined) return false;
    if (offer.number === undefined) return this.#life !== "alive" || this.writer.revoke(slot);
    if (this.#life === "unknown" || (this.#life === "alive" && sharedClockMs() <= offer.leaseMs)) return false;
    return !this.#isClaimed(offer, 0);
  }

  metTakenBack(slot: number): boolean {
    return this.#returned.has(slot);
  }

  hasSeen(post: number): boolean {
    return ((this.#seen - post) | 0) >= 0;
  }

  get awake(): boolean {
    return !this.hasSeen(this.sent);
  }

  recentMicros(): number {
    return this.#micros;
  }

  /** Resolves when the worker's loop has turned and it has said what it holds. One that is stuck is asked once. */
  weigh(): Promise<Weight> {
    if (this.#weighing === undefined) {
      this.#weighing = Promise.withResolvers();
      this.writer.mark(TO_WORKER.WEIGH, 0);
      this.post();
    }
    return this.#weighing.promise;
  }

  /** Its process runs no more code. False: it was told to end, and it is not known that it has. */
  died(known: boolean): void {
    this.#life = known ? "dead" : "unknown";
  }

  #writeAnswers(message: Buffer): void {
    const answered = this.#answered;
    this.#answered = 0;
    this.#options.socket.write(message, () => {
      this.#untaken -= answered;
    });
  }

  #receive(batch: Buffer): void {
    // So that the claims do not pile up.
    this.#claimed = this.#options.claimed();
    let asked = 0;
    readBatch(batch, (kind, slot, start, end) => {
      if (kind === FROM_WORKER.ASK && countsInWindow(batch, start)) asked++;
      else if (kind === FROM_WORKER.RETURNED) this.#returned.add(slot);
      else if (kind === FROM_WORKER.DRAINED) this.drained = true;
      else if (kind === FROM_WORKER.TURNED && end - start === 8) {
        this.#seen = batch.readUInt32LE(start);
        this.#micros = batch.readUInt32LE(start + 4);
      } else if (kind === FROM_WORKER.WEIGHT && end - start === 24) {
        const loop = { idle: batch.readDoubleLE(start + 8), active: batch.readDoubleLE(start + 16) };
        this.#weighing?.resolve({ bytes: batch.readDoubleLE(start), loop });
        this.#weighing = undefined;
      }
    });
    this.#untaken += asked;
    if (this.#untaken > UNTAKEN_MAX) throw new RangeError(`it asks, and has not taken ${this.#untaken} answers`);
    this.#options.received(batch);
    this.#answered += asked;
  }

  #isClaimed(offer: Offer | undefined, patienceMs: number): boolean {
    if (offer?.number === undefined) return false;
    if (((this.#claimed - offer.number) | 0) >= 0) return true;
    const now = sharedClockMs();
    if (now - this.#lookedAt < patienceMs) return false;
    this.#lookedAt = now;
    this.#claimed = this.#options.claimed();
    return ((this.#claimed - offer.number) | 0) >= 0;
  }
}

interface WrittenOffer {
  readonly slot: number;
  /** Where its payload begins. */
  readonly at: number;
  readonly flags: number;
}

/** Remembers where the offers of a batch lie, as long as it is not sent. */
class OfferWriter extends BatchWriter {
  readonly #offers: { readonly slot: number; readonly at: number }[] = [];

  override open(kind: number, slot: number, length: number): number {
    const at = super.open(kind, slot, length);
    if (kind === TO_WORKER.BEGIN) this.#offers.push({ slot, at });
    return at;
  }

  /** The offer in this slot is no more. */
  revoke(slot: number): boolean {
    const offer = this.#offers.findLast((each) => each.slot === slot);
    if (offer === undefined) return false;
    const flags = this.buffer[offer.at + 1] ?? 0;
    this.buffer[offer.at + 1] = flags | BEGIN_FLAG_REVOKED;
    return true;
  }

  /** In the order in which the worker will meet them. */
  takeOffers(): readonly WrittenOffer[] {
    return this.#offers.splice(0).map(({ slot, at }) => {
      let flags = this.buffer[at + 1] ?? 0;
      // Of a body that is still coming a part may be gone by the time that its offer comes back.
      if ((flags & BEGIN_FLAG_BODY_COMPLETE) === 0) flags |= BEGIN_FLAG_FIRM;
      this.buffer[at + 1] = flags;
      return { slot, at, flags };
    });
  }
}
