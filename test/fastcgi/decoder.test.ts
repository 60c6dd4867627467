import { Fault } from "../../src/base/fault.ts";
import { Decoder } from "../../src/fastcgi/decoder.ts";
import { encodeRecord } from "../../src/fastcgi/encoder.ts";
import type { FcgiRecord } from "../../src/fastcgi/record.ts";

/** The beginning of one more record: it must remain. */
const TAIL = Buffer.from("010500", "hex");

function decode(chunks: Iterable<Buffer>, decoder = new Decoder()): FcgiRecord[] {
  const records: FcgiRecord[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) records.push(next);
  }
  return records;
}

const byteByByte = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte));
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

const CASES: readonly [title: string, bytes: Buffer, records: readonly (readonly [number, number, string])[]][] = [
  ["a record without content", hex("01 05 0001 0000 00 00"), [[5, 1, ""]]],
  ["a record with content", hex("01 04 0102 0003 00 00 616263"), [[4, 258, "abc"]]],
  ["the highest id", hex("01 05 ffff 0000 00 00"), [[5, 65_535, ""]]],
  [
    "padding, which is skipped",
    hex("01 05 0001 0001 03 00 61 ffffff 01 05 0001 0000 00 00"),
    [
      [5, 1, "a"],
      [5, 1, ""],
    ],
  ],
  ["padding without content", hex("01 05 0001 0000 02 00 0101"), [[5, 1, ""]]],
  ["a reserved byte, which is ignored", hex("01 05 0001 0001 00 ff 61"), [[5, 1, "a"]]],
  [
    "types that nobody knows",
    hex("01 00 0000 0000 00 00 01 ff 0007 0001 00 00 78"),
    [
      [0, 0, ""],
      [255, 7, "x"],
    ],
  ],
  ["the largest record", encodeRecord(6, 1, Buffer.alloc(65_535, "m"), 255), [[6, 1, "m".repeat(65_535)]]],
];

describe("the decoder [FCGI §3.3]", () => {
  it.each(CASES)("reads %s: whole, byte by byte, and with a tail that remains", (_title, bytes, expected) => {
    const meaning = (records: FcgiRecord[]) => records.map(({ type, id, content }) => [type, id, content.toString()]);
    expect(meaning(decode([bytes]))).toEqual(expected);
    expect(meaning(decode(byteByByte(bytes)))).toEqual(expected);

    const decoder = new Decoder();
    expect(meaning(decode([Buffer.concat([bytes, TAIL])], decoder))).toEqual(expected);
    expect(decoder.buffered).toBe(TAIL.length);
    expect(meaning(decode([hex("01 0001 00 00 7a")], decoder))).toEqual([[5, 1, "z"]]);
  });

  it("gives nothing before the last byte of content", () => {
    const bytes = hex("01 04 0001 0003 00 00 616263");
    const decoder = new Decoder();
    expect(decode(byteByByte(bytes.subarray(0, -1)), decoder)).toEqual([]);
    expect(decoder.buffered).toBe(2);
    expect(decode([bytes.subarray(-1)], decoder)).toHaveLength(1);
  });

  it("does not wait for padding", () => {
    const decoder = new Decoder();
    expect(decode([hex("01 05 0001 0001 ff 00 61")], decoder)).toHaveLength(1);
    expect(decode([Buffer.alloc(254)], decoder)).toEqual([]);
    expect(decoder.buffered).toBe(0);
    expect(decode([hex("00 01 05 0001 0000 00 00")], decoder)).toHaveLength(1);
  });

  it("gives views of a piece that holds whole records, and copies nothing", () => {
    const bytes = hex("01 04 0001 0003 00 00 616263 01 05 0001 0001 00 00 64");
    expect(decode([bytes]).every(({ content }) => content.buffer === bytes.buffer)).toBe(true);
  });

  it("keeps its own copy of what a piece left unfinished", () => {
    const piece = hex("01 04 0001 0004 00 00 6162");
    const decoder = new Decoder();
    decode([piece], decoder);
    piece.fill(0);
    expect(decode([hex("6364")], decoder)[0]?.content.toString()).toBe("abcd");
  });

  it("takes a piece although records of the last one were not taken", () => {
    const decoder = new Decoder();
    decoder.push(hex("01 05 0001 0001 00 00 61 01 05"));
    decoder.push(hex("0001 0001 00 00 62"));
    expect(decode([Buffer.alloc(0)], decoder).map(({ content }) => content.toString())).toEqual(["a", "b"]);
  });

  it("allocates as bytes come, not as many as a header announces", () => {
    const allocated: number[] = [];
    const allocate = Buffer.allocUnsafeSlow;
    Buffer.allocUnsafeSlow = (bytes) => {
      allocated.push(bytes);
      return allocate(bytes);
    };
    const decoder = new Decoder();
    try {
      decode([hex("01 04 0001 ffff ff 00 61")], decoder);
    } finally {
      Buffer.allocUnsafeSlow = allocate;
    }
    expect(decoder.buffered).toBe(1);
    expect(allocated).toEqual([1024]);
  });

  it("copies each byte a bounded number of times, however small the pieces", () => {
    const record = encodeRecord(5, 1, Buffer.alloc(65_535));
    let copied = 0;
    const copy = Buffer.prototype.copy;
    Buffer.prototype.copy = function counted(this: Buffer, ...args: Parameters<typeof copy>) {
      const bytes = copy.apply(this, args);
      copied += bytes;
      return bytes;
    } as typeof copy;
    try {
      expect(decode(byteByByte(record))).toHaveLength(1);
    } finally {
      Buffer.prototype.copy = copy;
    }
    expect(copied).toBeLessThan(3 * record.length);
  });
});

describe("a version that does not exist [FCGI §3.3]", () => {
  const read = (text: string) => () => decode([hex(text)]);

  it.each([0, 2, 255])("%i is a PROTOCOL fault", (version) => {
    expect(() => decode([Buffer.of(version, 1, 0, 1, 0, 0, 0, 0)])).toThrow(`FastCGI version ${version}`);
  });

  it("is told by the first byte alone, and of a later record too", () => {
    expect(read("02")).toThrow(Fault);
    expect(read("01 05 0001 0000 00 00 00")).toThrow("version 0");
  });

  it("fails the decoder for good, and leaves nothing in it", () => {
    const decoder = new Decoder();
    expect(() => decode([hex("02 01 0001 0000 00 00")], decoder)).toThrow("version 2");
    expect(() => decode([hex("01 01 0001 0000 00 00")], decoder)).toThrow("version 2");
  });

  it.each([
    ["HTTP", "GET / HTTP/1.1\r\n", "looks like HTTP"],
    ["TLS", "\x16\x03\x01", "looks like TLS"],
    ["anything else", "\x00\x00", "Check that only a web server"],
  ])("hints at the usual mistake: %s", (_name, bytes, hint) => {
    const decoder = new Decoder();
    decoder.push(Buffer.from(bytes, "latin1"));
    const next = () => decoder.next();
    expect(next).toThrow(expect.objectContaining({ code: "PROTOCOL", hint: expect.stringContaining(hint) }));
  });
});
