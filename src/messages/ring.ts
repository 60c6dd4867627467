// One direction of a lane between threads: frames in shared memory, written by one side and read by the
// other, without a lock. The reader needs no leave of the writer, so it can take what is finished
// also from a thread that computes, or is dead.
//
//   memory := words (64 bytes) · ring (a power of two)
//
// Frames lie in the ring as in a batch (batch.ts); one that does not fit before the ring's end is
// preceded by PADDING up to it. What the ring has no room for is posted as a batch of its own, and
// the frame ELSEWHERE stands in the ring where it belongs; some room is kept for these.

import { appendable, BatchWriter, FrameWriter, frameBytes, NO_FRAME, put, writeFrameHeader } from "./batch.ts";
import { FRAME_ELSEWHERE, FRAME_HEADER_BYTES, FRAME_PADDING, FROM_WORKER, TO_WORKER } from "./lane.ts";
import { lend, WORTH_LENDING_BYTES } from "./spare-buffers.ts";

const WORDS_BYTES = 64;
/** How far the writer has written whole frames, and how far the reader has taken them: bytes since the start, modulo 2³². */
const WORD_WRITTEN = 0;
const WORD_TAKEN = 1;
/** Not 0: the reader knows that something is there, or soon will. */
const WORD_AWAKE = 2;
/** How often the writer wrote ELSEWHERE. */
const WORD_ELSEWHERE = 3;

const ELSEWHERE_BYTES = frameBytes(0);
/** Of these somebody knows when all of the frame is done with. Of BEGIN the params are looked at for long. */
const LENDABLE = new Set<number>([TO_WORKER.BODY, FROM_WORKER.REPLY, FROM_WORKER.CHUNK]);
/** The part of a ring that only ELSEWHERE may take: while its reader is busy the writer may post so often. */
const ELSEWHERE_SHARE = 1 / 128;

/** Memory for a ring of `bytes`, a power of two. */
export function ringMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS_BYTES + bytes);
}

export class RingWriter extends FrameWriter {
  buffer: Buffer;
  readonly #words: Int32Array;
  readonly #ring: Buffer;
  readonly #post: (batch: ArrayBuffer) => void;
  readonly #surplus = new BatchWriter();
  readonly #kept: number;
  /** Written, perhaps not published. */
  #written = 0;
  #flushed = 0;
  /** Where the last frame begins, while the reader cannot have seen it. */
  #last = NO_FRAME;

  /** `post` takes a batch that the ring has no room for. */
  constructor(memory: SharedArrayBuffer, post: (batch: ArrayBuffer) => void) {
    super();
    this.#words = new Int32Array(memory, 0, WORDS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#ring = Buffer.from(memory, WORDS_BYTES);
    this.buffer = this.#ring;
    this.#post = post;
    this.#kept = Math.max(ELSEWHERE_BYTES, this.#ring.length * ELSEWHERE_SHARE);
  }

  open(kind: number, slot: number, length: number): number {
    const start = this.#surplus.empty ? this.#place(frameBytes(length)) : undefined;
    if (start === undefined) {
      const payload = this.#surplus.open(kind, slot, length);
      this.buffer = this.#surplus.buffer;
      return payload;
    }
    this.buffer = this.#ring;
    this.#last = start;
    writeFrameHeader(this.#ring, start, kind, slot, length);
    return start + FRAME_HEADER_BYTES;
  }

  append(kind: number, slot: number, payload: Uint8Array): void {
    if (!this.#surplus.empty) this.#surplus.append(kind, slot, payload);
    else if (!this.#extend(kind, slot, payload)) this.bytes(kind, slot, payload);
  }

  /** What is too long for a ring never has any use of waiting. */
  override hasRoom(length: number): boolean {
    const bytes = frameBytes(length);
    return bytes > this.#ring.length / 2 || (this.#surplus.empty && this.#paddingBefore(bytes) !== undefined);
  }

  /** What was written is whole: the reader may take it. */
  publish(): void {
    this.#last = NO_FRAME;
    Atomics.store(this.#words, WORD_WRITTEN, this.#written);
  }

  /**
   * Publishes also what the ring has no room for: posts it. Something may be held back until the
   * reader has made room: see `holding`.
   */
  publishAll(): void {
    if (!this.#surplus.empty && this.#room() >= ELSEWHERE_BYTES) {
      this.#post(this.#surplus.take());
      writeFrameHeader(this.#ring, this.#written & (this.#ring.length - 1), FRAME_ELSEWHERE, 0, 0);
      Atomics.add(this.#words, WORD_ELSEWHERE, 1);
      this.#written = (this.#written + ELSEWHERE_BYTES) | 0;
    }
    this.publish();
  }

  /** `publishAll`. True: the reader sleeps and has to be woken. */
  flush(): boolean {
    this.publishAll();
    this.#flushed = this.#written;
    if (this.#room() === this.#ring.length) return false;
    return Atomics.compareExchange(this.#words, WORD_AWAKE, 0, 1) === 0;
  }

  /** The reader was woken, and has not rested since. */
  get readerAwake(): boolean {
    return Atomics.load(this.#words, WORD_AWAKE) !== 0;
  }

  /** Something was written since the last flush. */
  get stirred(): boolean {
    return this.holding || this.#written !== this.#flushed;
  }

  get holding(): boolean {
    return !this.#surplus.empty;
  }

  #extend(kind: number, slot: number, payload: Uint8Array): boolean {
    const start = this.#last;
    const length = appendable(this.#ring, start, kind, slot, payload.length);
    if (length === undefined) return false;
    const bytes = frameBytes(length + payload.length);
    const more = bytes - frameBytes(length);
    if (start + bytes > this.#ring.length || more + this.#kept > this.#room()) return false;
    this.#ring.writeUInt32LE(length + payload.length, start + 8);
    put(this.#ring, payload, start + FRAME_HEADER_BYTES + length);
    this.#written = (this.#written + more) | 0;
    return true;
  }

  #room(): number {
    return this.#ring.length - ((this.#written - Atomics.load(this.#words, WORD_TAKEN)) >>> 0);
  }

  /** What is to be left free before a frame of `bytes`, or undefined where the ring has no room for it. */
  #paddingBefore(bytes: number): number | undefined {
    const toEnd = this.#ring.length - (this.#written & (this.#ring.length - 1));
    const padding = bytes > toEnd ? toEnd : 0;
    return padding + bytes + this.#kept > this.#room() ? undefined : padding;
  }

  /** Where a frame of `bytes` goes, or undefined where the ring has no room for it. */
  #place(bytes: number): number | undefined {
    const padding = this.#paddingBefore(bytes);
    if (padding === undefined) return undefined;
    const start = this.#written & (this.#ring.length - 1);
    if (padding > 0) writeFrameHeader(this.#ring, start, FRAME_PADDING, 0, padding - FRAME_HEADER_BYTES);
    this.#written = (this.#written + padding + bytes) | 0;
    return padding > 0 ? 0 : start;
  }
}

export class RingReader {
  readonly #words: Int32Array;
  readonly #ring: Buffer;
  readonly #received: (batch: Buffer) => void;
  readonly #posted: () => Buffer | undefined;
  #elsewhere = 0;

  /** `received` gets what was written, in order; `posted` returns the next batch that was posted. */
  constructor(memory: SharedArrayBuffer, received: (batch: Buffer) => void, posted: () => Buffer | undefined) {
    this.#words = new Int32Array(memory, 0, WORDS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#ring = Buffer.from(memory, WORDS_BYTES);
    this.#received = received;
    this.#posted = posted;
  }

  /** Whether there is anything to take; costs next to nothing. */
  get filled(): boolean {
    return Atomics.load(this.#words, WORD_WRITTEN) !== Atomics.load(this.#words, WORD_TAKEN);
  }

  /** Takes everything that is published. */
  take(): void {
    const taken = Atomics.load(this.#words, WORD_TAKEN);
    const written = Atomics.load(this.#words, WORD_WRITTEN);
    const bytes = (written - taken) >>> 0;
    if (bytes === 0) return;
    if (bytes < WORTH_LENDING_BYTES) {
      const batch = Buffer.allocUnsafe(bytes);
      this.#copy(batch, taken);
      Atomics.store(this.#words, WORD_TAKEN, written);
      this.#hand(batch);
      return;
    }
    const batches = this.#split(taken, written);
    Atomics.store(this.#words, WORD_TAKEN, written);
    for (const batch of batches) this.#hand(batch);
  }

  /** From now on the writer has to wake us. False: something came in the meantime, and we are awake still. */
  rest(): boolean {
    // A store costs many times as much, and a pool has up to hundreds of workers that rest already.
    if (Atomics.load(this.#words, WORD_AWAKE) === 0) return true;
    Atomics.store(this.#words, WORD_AWAKE, 0);
    return !this.filled || Atomics.compareExchange(this.#words, WORD_AWAKE, 0, 1) !== 0;
  }

  #copy(batch: Buffer, from: number): void {
    const start = from & (this.#ring.length - 1);
    const first = Math.min(batch.length, this.#ring.length - start);
    this.#ring.copy(batch, 0, start, start + first);
    if (first < batch.length) this.#ring.copy(batch, first, 0, batch.length - first);
  }

  /** Large frames of bodies become batches of their own, in memory that is used again once somebody gives it back. */
  #split(taken: number, written: number): Buffer[] {
    const batches: Buffer[] = [];
    let from = taken;
    const add = (batch: Buffer): void => {
      this.#copy(batch, from);
      from = (from + batch.length) | 0;
      batches.push(batch);
    };
    for (let at = taken; at !== written; ) {
      const start = at & (this.#ring.length - 1);
      const bytes = frameBytes(this.#ring.readUInt32LE(start + 8));
      const isLarge = bytes >= WORTH_LENDING_BYTES && LENDABLE.has(this.#ring.readUInt32LE(start));
      if (isLarge && from !== at) add(Buffer.allocUnsafe((at - from) >>> 0));
      if (isLarge) add(lend(bytes));
      at = (at + bytes) | 0;
    }
    if (from !== written) add(Buffer.allocUnsafe((written - from) >>> 0));
    return batches;
  }

  #hand(batch: Buffer): void {
    if (Atomics.load(this.#words, WORD_ELSEWHERE) === this.#elsewhere) this.#received(batch);
    else this.#takeInParts(batch);
  }

  #takeInParts(batch: Buffer): void {
    let from = 0;
    for (let at = 0; at < batch.length; at += frameBytes(batch.readUInt32LE(at + 8))) {
      if (batch.readUInt32LE(at) !== FRAME_ELSEWHERE) continue;
      this.#elsewhere = (this.#elsewhere + 1) | 0;
      if (from < at) this.#received(batch.subarray(from, at));
      from = at + ELSEWHERE_BYTES;
      const posted = this.#posted();
      if (posted !== undefined) this.#received(posted);
    }
    if (from < batch.length) this.#received(batch.subarray(from));
  }
}
