// Packs frames into a batch and unpacks them (the layout is in lane.ts). Used by both ends of a
// lane; knows no meaning of a frame.

import { FRAME_HEADER_BYTES } from "./lane.ts";

const INITIAL_BYTES = 16 * 1024;
/** A buffer that one large turn made longer than this is given back after it. */
const KEEP_BYTES = 1024 * 1024;

export class BatchWriter {
  /** Write a frame's payload here, at the offset that `open` returned, before the next `open`. */
  buffer: Buffer = allocate(INITIAL_BYTES);
  #length = 0;

  get empty(): boolean {
    return this.#length === 0;
  }

  /** Begins a frame whose payload has `length` bytes; returns where in `buffer` to write them. */
  open(kind: number, slot: number, length: number): number {
    const start = this.#length;
    const payload = start + FRAME_HEADER_BYTES;
    if (payload + length > this.buffer.length) this.#grow(payload + length);
    const buffer = this.buffer;
    buffer.writeUInt32LE(kind, start);
    buffer.writeUInt32LE(slot, start + 4);
    buffer.writeUInt32LE(length, start + 8);
    this.#length = payload + length;
    return payload;
  }

  bytes(kind: number, slot: number, payload: Uint8Array): void {
    const at = this.open(kind, slot, payload.length);
    this.buffer.set(payload, at);
  }

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

  /** The batch, as memory that can be transferred; the writer begins anew. */
  take(): ArrayBuffer {
    const backing = this.buffer.buffer as ArrayBuffer;
    const batch = backing.slice(this.buffer.byteOffset, this.buffer.byteOffset + this.#length);
    this.#length = 0;
    if (this.buffer.length > KEEP_BYTES) this.buffer = allocate(INITIAL_BYTES);
    return batch;
  }

  #grow(needed: number): void {
    const larger = allocate(Math.max(needed, this.buffer.length * 2));
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
  let at = 0;
  while (at < batch.length) {
    const start = at + FRAME_HEADER_BYTES;
    const end = start + batch.readUInt32LE(at + 8);
    visit(batch.readUInt32LE(at), batch.readUInt32LE(at + 4), start, end);
    at = end;
  }
}
