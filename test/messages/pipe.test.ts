import fc from "fast-check";
import { BatchWriter, readBatch } from "../../src/messages/batch.ts";
import { PipedOutputReader } from "../../src/messages/output-pipe.ts";
import { encodeRecord, OUTPUT_KIND, type OutputRecord } from "../../src/messages/output-ring.ts";
import { MESSAGE_HEADER_BYTES, MESSAGE_MAX_BYTES, MessageReader, writeMessageHeader } from "../../src/messages/pipe.ts";

type Frame = readonly [kind: number, slot: number, payload: Buffer];

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const frames = fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.nat(500), bytes(300)), { maxLength: 8 });

function message(content: readonly Frame[], leaseMs: number): Buffer {
  const writer = new BatchWriter();
  for (const [kind, slot, payload] of content) writer.bytes(kind, slot, payload);
  const written = writer.takeBehind(MESSAGE_HEADER_BYTES);
  writeMessageHeader(written, leaseMs);
  return written;
}

/** The same bytes in pieces of these lengths, over and over. */
function pieces(all: Buffer, lengths: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, n = 0; at < all.length; n++) {
    const length = lengths[n % lengths.length] ?? 1;
    cut.push(Buffer.from(all.subarray(at, at + length)));
    at += length;
  }
  return cut;
}

const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });

describe("messages on a pipe", () => {
  it("arrive whole and in order with their leases, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 6 }), lengths, (sent, cuts) => {
        const received: [Frame[], number][] = [];
        const reader = new MessageReader((batch, leaseMs) => {
          const content: Frame[] = [];
          readBatch(batch, (kind, slot, start, end) =>
            content.push([kind, slot, Buffer.from(batch.subarray(start, end))]),
          );
          received.push([content, leaseMs]);
        });
        const all = Buffer.concat(sent.map((content, n) => message(content, n + 0.5)));
        for (const piece of pieces(all, cuts)) reader.push(piece);
        expect(received).toEqual(sent.map((content, n) => [content, n + 0.5]));
      }),
      { numRuns: 200 },
    );
  });

  it("that are no messages are refused, and never lead out of the memory that they came in", () => {
    fc.assert(
      fc.property(bytes(2000), lengths, (junk, cuts) => {
        const reader = new MessageReader((batch) => {
          readBatch(batch, (_kind, _slot, start, end) =>
            expect([start <= end, end <= batch.length]).toEqual([true, true]),
          );
        });
        try {
          for (const piece of pieces(junk, cuts)) reader.push(piece);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are refused by their announced length, before there is memory for them", () => {
    const header = Buffer.alloc(MESSAGE_HEADER_BYTES);
    header.writeUInt32LE(MESSAGE_MAX_BYTES, 0);
    expect(() => new MessageReader(() => {}).push(header)).toThrow(RangeError);
  });
});

describe("a worker's output on a pipe", () => {
  const records = fc.array(
    fc.record({
      kind: fc.constantFrom(...Object.values(OUTPUT_KIND)),
      part: fc.nat(9),
      more: fc.boolean(),
      context: bytes(50),
      text: bytes(300),
    }),
    { maxLength: 10 },
  );

  it("arrives as it was written, however the stream is cut", () => {
    fc.assert(
      fc.property(records, lengths, (sent, cuts) => {
        const received: OutputRecord[] = [];
        const reader = new PipedOutputReader(
          (record) => received.push(record),
          () => {},
        );
        for (const piece of pieces(Buffer.concat(sent.map(encodeRecord)), cuts)) reader.push(piece);
        expect(received).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  it("that is no output is refused", () => {
    fc.assert(
      fc.property(bytes(500), lengths, (junk, cuts) => {
        const reader = new PipedOutputReader(
          () => {},
          () => {},
        );
        try {
          for (const piece of pieces(junk, cuts)) reader.push(piece);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
