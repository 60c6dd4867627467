// Frames one behind the other, in memory that goes to another thread.

import { BatchWriter, readBatch } from "../../src/messages/batch.ts";
import { CHUNK_BYTES, FROM_WORKER, REPLY_WINDOW_BYTES, TO_WORKER } from "../../src/messages/lane.ts";

type Frame = readonly [kind: number, slot: number, payload: Buffer];

const CHUNKS = Math.floor(REPLY_WINDOW_BYTES / CHUNK_BYTES);

describe("a batch", () => {
  const framesOf = (memory: ArrayBuffer): Frame[] => {
    const batch = Buffer.from(memory);
    const frames: Frame[] = [];
    readBatch(batch, (kind, slot, start, end) => frames.push([kind, slot, batch.subarray(start, end)]));
    return frames;
  };

  it("of short frames is as long as they are", () => {
    const writer = new BatchWriter();
    writer.word(FROM_WORKER.TAKEN, 1, 7);
    writer.mark(FROM_WORKER.END, 2);
    const batch = writer.take();
    expect(batch.byteLength).toBe(32);
    expect(framesOf(batch).map(([kind, slot, { length }]) => [kind, slot, length])).toEqual([
      [FROM_WORKER.TAKEN, 1, 4],
      [FROM_WORKER.END, 2, 0],
    ]);
    expect(writer.empty).toBe(true);
  });

  it("with a window of a body is allocated once, and its memory is handed on as it is", () => {
    const writer = new BatchWriter();
    const chunk = Buffer.alloc(CHUNK_BYTES, "chunk");
    const memories = new Set<unknown>();
    for (let sent = 0; sent + CHUNK_BYTES <= REPLY_WINDOW_BYTES; sent += CHUNK_BYTES) {
      writer.bytes(FROM_WORKER.CHUNK, 3, chunk);
      memories.add(writer.buffer.buffer);
    }
    expect(memories.size).toBe(1);
    const batch = writer.take();
    expect(memories.has(batch)).toBe(true);
    expect(framesOf(batch)).toEqual(Array.from({ length: CHUNKS }, () => [FROM_WORKER.CHUNK, 3, chunk]));
    // What is written next must not reach who has it by now.
    writer.mark(FROM_WORKER.END, 3);
    expect(framesOf(batch)).toHaveLength(CHUNKS);
    expect(framesOf(writer.take())).toEqual([[FROM_WORKER.END, 3, Buffer.alloc(0)]]);
  });

  it("goes on with the last frame of a body, up to a piece's length, until it is taken", () => {
    const writer = new BatchWriter();
    writer.append(TO_WORKER.BODY, 3, Buffer.from("ab"));
    writer.append(TO_WORKER.BODY, 3, Buffer.from("cd"));
    writer.append(TO_WORKER.BODY, 4, Buffer.from("ef"));
    writer.mark(TO_WORKER.BODY_END, 4);
    writer.append(TO_WORKER.BODY, 4, Buffer.from("gh"));
    const frames = [
      [TO_WORKER.BODY, 3, Buffer.from("abcd")],
      [TO_WORKER.BODY, 4, Buffer.from("ef")],
      [TO_WORKER.BODY_END, 4, Buffer.alloc(0)],
      [TO_WORKER.BODY, 4, Buffer.from("gh")],
    ];
    expect(framesOf(writer.take())).toEqual(frames);
    const half = Buffer.alloc(CHUNK_BYTES / 2, "half");
    for (let n = 0; n < 3; n++) writer.append(TO_WORKER.BODY, 4, half);
    expect(framesOf(writer.take())).toEqual([
      [TO_WORKER.BODY, 4, Buffer.concat([half, half])],
      [TO_WORKER.BODY, 4, half],
    ]);
  });

  it("of one long frame in memory for many is copied, and the memory is used again", () => {
    const writer = new BatchWriter();
    writer.bytes(FROM_WORKER.CHUNK, 3, Buffer.alloc(CHUNK_BYTES, "one"));
    const memory = writer.buffer.buffer;
    const batch = writer.take();
    expect(batch).not.toBe(memory);
    expect(framesOf(batch)).toHaveLength(1);
    writer.mark(FROM_WORKER.END, 3);
    expect(writer.buffer.buffer).toBe(memory);
  });

  it.each([100_000, 294_896, 294_912, 294_913, 1_000_000])("keeps a frame of %s bytes whole", (length) => {
    const writer = new BatchWriter();
    const payload = Buffer.alloc(length, "0123456789");
    writer.bytes(FROM_WORKER.CHUNK, 1, payload);
    writer.mark(FROM_WORKER.END, 1);
    expect(framesOf(writer.take())).toEqual([
      [FROM_WORKER.CHUNK, 1, payload],
      [FROM_WORKER.END, 1, Buffer.alloc(0)],
    ]);
  });
});
