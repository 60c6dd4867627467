// Packs frames into a batch and unpacks them (the layout is in lane.ts). Used by both ends of a
// lane; knows no meaning of a frame.

import {
  BODY_WINDOW_BYTES,
  CHUNK_BYTES,
  FRAME_ALIGN_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_PADDING,
  REPLY_WINDOW_BYTES,
} from "./lane.ts";

const INITIAL_BYTES = 16 * 1024;
/** What does not fit into so much is the body of a reply or a request: then there is room for a whole window of it. */
const SMALL_BYTES = 64 * 1024;
const LARGE_BYTES = Math.max(BODY_WINDOW_BYTES, REPLY_WINDOW_BYTES) + 32 * 1024;
/** A buffer that one large turn made longer than this is given back after it. */
const KEEP_BYTES = 1024 * 1024;
/** Where a writer has no frame that could go on. */
export const NO_FRAME = -1;

/** From here on `copy` is the faster way. */
const LONG_BYTES = 1024;
const { copy } = Buffer.prototype;

/** As `buffer.set`, which V8 does a word at a time where the memory is shared: of 64 KiB that takes up to ten times as long. */
export function put(buffer: Buffer, payload: Uint8Array, at: number): void {
  if (payload.length < LONG_BYTES) buffer.set(payload, at);
  else copy.call(payload as Buffer, buffer, at);
}

/** What writes frames one after the other, wherever they are kept. */
export abstract class FrameWriter {
  /** Write a frame's payload here, at the offset that `open` returned, before the next `open`. */
  abstract buffer: Buffer;

  /** Begins a frame whose payload has `length` bytes; returns where in `buffer` to write them. */
  abstract open(kind: number, slot: number, length: number): number;

  bytes(kind: number, slot: number, payload: Uint8Array): void {
    const at = this.open(kind, slot, payload.length);
    put(this.buffer, payload, at);
  }

  /** Whether a frame of `length` bytes finds room where frames go. What finds none may be written all the same, at a higher price. */
  hasRoom(_length: number): boolean {
    return true;
  }

  /** As `bytes`, but where the last frame is of the same kind and slot, and not sent yet, it goes on in that one. */
  abstract append(kind: number, slot: number, payload: Uint8Array): void;

  word(kind: number, slot: number, value: number): void {
    const at = this.open(kind, slot, 4);
    this.buffer.writeUInt32LE(value, at);
  }

  mark(kind: number, slot: number): void {
    this.open(kind, slot, 0);
  }

  json(kind: number, slot: number, value: unknown): void {
    this.bytes(kind, slot, Buffer.from(JSON.stringify(value)));
  }
}

/** What a frame takes with its header and filler. */
export function frameBytes(length: number): number {
  return (FRAME_HEADER_BYTES + length + FRAME_ALIGN_BYTES - 1) & -FRAME_ALIGN_BYTES;
}

export function writeFrameHeader(buffer: Buffer, at: number, kind: number, slot: number, length: number): void {
  buffer.writeUInt32LE(kind, at);
  buffer.writeUInt32LE(slot, at + 4);
  buffer.writeUInt32LE(length, at + 8);
}

/**
 * What the frame at `start` has of payload, if more of this kind and slot may be appended to it; else undefined.
 * It gets no longer than a piece of a body is.
 */
export function appendable(
  buffer: Buffer,
  start: number,
  kind: number,
  slot: number,
  more: number,
): number | undefined {
  if (start === NO_FRAME || buffer.readUInt32LE(start) !== kind || buffer.readUInt32LE(start + 4) !== slot) {
    return undefined;
  }
  const length = buffer.readUInt32LE(start + 8);
  return length + more > CHUNK_BYTES ? undefined : length;
}

/** Keeps a batch in memory that grows with it, until it is taken. */
export class BatchWriter extends FrameWriter {
  buffer: Buffer = allocate(INITIAL_BYTES);
  #length = 0;
  #last = NO_FRAME;

  get empty(): boolean {
    return this.#length === 0;
  }

  open(kind: number, slot: number, length: number): number {
    const start = this.#length;
    const end = start + frameBytes(length);
    if (end > this.buffer.length) this.#grow(end);
    writeFrameHeader(this.buffer, start, kind, slot, length);
    this.#length = end;
    this.#last = start;
    return start + FRAME_HEADER_BYTES;
  }

  append(kind: number, slot: number, payload: Uint8Array): void {
    const start = this.#last;
    const length = appendable(this.buffer, start, kind, slot, payload.length);
    if (length === undefined) {
      this.bytes(kind, slot, payload);
      return;
    }
    const end = start + frameBytes(length + payload.length);
    if (end > this.buffer.length) this.#grow(end);
    this.buffer.writeUInt32LE(length + payload.length, start + 8);
    put(this.buffer, payload, start + FRAME_HEADER_BYTES + length);
    this.#length = end;
  }

  /** The batch, as memory that can be transferred; the writer begins anew. */
  take(): ArrayBuffer {
    this.#last = NO_FRAME;
    const backing = this.buffer.buffer as ArrayBuffer;
    const spare = backing.byteLength - this.#length;
    if (this.#length > SMALL_BYTES && spare < this.#length) {
      // The memory itself goes: its bytes are not touched again.
      if (spare > 0) writeFrameHeader(this.buffer, this.#length, FRAME_PADDING, 0, spare - FRAME_HEADER_BYTES);
      this.#length = 0;
      this.buffer = allocate(INITIAL_BYTES);
      return backing;
    }
    const batch = backing.slice(0, this.#length);
    this.#length = 0;
    if (this.buffer.length > KEEP_BYTES) this.buffer = allocate(INITIAL_BYTES);
    return batch;
  }

  /** As `take`, in memory of its own that begins with `room` free bytes. */
  takeBehind(room: number): Buffer {
    this.#last = NO_FRAME;
    const batch = Buffer.allocUnsafe(room + this.#length);
    this.buffer.copy(batch, room, 0, this.#length);
    this.#length = 0;
    if (this.buffer.length > KEEP_BYTES) this.buffer = allocate(INITIAL_BYTES);
    return batch;
  }

  #grow(needed: number): void {
    const larger = allocate(Math.max(needed, needed > SMALL_BYTES ? LARGE_BYTES : 0, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.#length);
    this.buffer = larger;
  }
}

function allocate(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}

/** Calls `visit` with each frame's kind, slot, and where its payload lies in `batch`. */
export function readBatch(
  batch: Buffer,
  visit: (kind: number, slot: number, start: number, end: number) => void,
): void {
  for (let at = 0; at < batch.length; ) {
    const kind = batch.readUInt32LE(at);
    const length = batch.readUInt32LE(at + 8);
    const start = at + FRAME_HEADER_BYTES;
    if (kind !== FRAME_PADDING) visit(kind, batch.readUInt32LE(at + 4), start, start + length);
    at += frameBytes(length);
  }
}
