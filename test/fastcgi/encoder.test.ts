import {
  encodeBeginRequest,
  encodeEndRequest,
  encodeGetValuesResult,
  encodeRecord,
  encodeReply,
  encodeStream,
  encodeUnknownType,
  writeEndRequest,
} from "../../src/fastcgi/encoder.ts";
import { parseBeginRequest, parseEndRequest, parseUnknownType } from "../../src/fastcgi/record.ts";
import {
  encodeAbort,
  encodeData,
  encodeDataEnd,
  encodeGetValues,
  encodeRequest,
  encodeStdin,
  encodeStdinEnd,
} from "../../src/fastcgi/web-server.ts";

const hex = (bytes: Buffer) => bytes.toString("hex");
const bare = (text: string) => text.replaceAll(" ", "");

describe("records on the wire [FCGI §3.3]", () => {
  it.each<[string, Buffer, string]>([
    ["BEGIN_REQUEST, responder", encodeBeginRequest(1, 1, false), "01 01 0001 0008 00 00 0001 00 0000000000"],
    ["BEGIN_REQUEST, filter, kept", encodeBeginRequest(65_535, 3, true), "01 01 ffff 0008 00 00 0003 01 0000000000"],
    ["ABORT_REQUEST", encodeAbort(7), "01 02 0007 0000 00 00"],
    ["END_REQUEST", encodeEndRequest(1, 0, 0), "01 03 0001 0008 00 00 00000000 00 000000"],
    ["END_REQUEST, overloaded", encodeEndRequest(258, 0x0102_0304, 2), "01 03 0102 0008 00 00 01020304 02 000000"],
    ["END_REQUEST, highest status", encodeEndRequest(1, -1, 3), "01 03 0001 0008 00 00 ffffffff 03 000000"],
    ["STDIN", encodeStdin(2, Buffer.from("ab")), "01 05 0002 0002 00 00 6162"],
    ["the end of STDIN", encodeStdinEnd(2), "01 05 0002 0000 00 00"],
    ["DATA", encodeData(2, Buffer.from("a")), "01 08 0002 0001 00 00 61"],
    ["the end of DATA", encodeDataEnd(2), "01 08 0002 0000 00 00"],
    ["GET_VALUES", encodeGetValues(["A", "BC"]), "01 09 0000 0007 00 00 0100 41 0200 4243"],
    ["GET_VALUES_RESULT", encodeGetValuesResult([["A", "1"]]), "01 0a 0000 0004 00 00 0101 41 31"],
    ["UNKNOWN_TYPE", encodeUnknownType(200), "01 0b 0000 0008 00 00 c8 00000000000000"],
    ["any record with padding", encodeRecord(6, 1, Buffer.from("x"), 3), "01 06 0001 0001 03 00 78 000000"],
    [
      "a request",
      encodeRequest({ params: [["A", "b"]] }),
      "01 01 0001 0008 00 00 0001 00 0000000000 01 04 0001 0004 00 00 0101 41 62 01 04 0001 0000 00 00",
    ],
    [
      "a request without parameters",
      encodeRequest({ params: [] }),
      "01 01 0001 0008 00 00 0001 00 0000000000 01 04 0001 0000 00 00",
    ],
  ])("%s", (_name, bytes, expected) => {
    expect(hex(bytes)).toBe(bare(expected));
  });

  it("does not make a record that its length field cannot tell", () => {
    expect(() => encodeRecord(5, 1, Buffer.alloc(65_536))).toThrow(RangeError);
  });

  it("writes END_REQUEST into the room that a reply has left for it", () => {
    const target = Buffer.alloc(18, 0xee);
    writeEndRequest(target, 1, 1, 0, 0);
    expect(hex(target)).toBe(bare("ee 01 03 0001 0008 00 00 00000000 00 000000 ee"));
  });
});

describe("a stream [FCGI §3.3]", () => {
  it.each([
    [0, []],
    [1, [1]],
    [65_535, [65_535]],
    [65_536, [65_535, 1]],
    [131_070, [65_535, 65_535]],
    [131_071, [65_535, 65_535, 1]],
  ])("of %i bytes is cut into records of %j", (length, lengths) => {
    const bytes = encodeStream(6, 1, Buffer.alloc(length));
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt16BE(at + 4)) found.push(bytes.readUInt16BE(at + 4));
    expect(found).toEqual(lengths);
  });
});

describe("a reply in one write", () => {
  it("is STDOUT with head and body, then END_REQUEST; no empty STDOUT, no padding", () => {
    const reply = encodeReply(1, "A: b\r\n\r\n", Buffer.from("hi"));
    expect(hex(reply)).toBe(
      bare("01 06 0001 000a 00 00 413a20620d0a0d0a 6869 01 03 0001 0008 00 00 00000000 00 000000"),
    );
  });

  it("writes the head one byte per char", () => {
    expect(encodeReply(1, "\u00e9").subarray(8, 9)).toEqual(Buffer.of(0xe9));
  });

  it("needs no body", () => {
    expect(encodeReply(1, "A: b\r\n\r\n")).toHaveLength(8 + 8 + 16);
  });

  it("is cut into records where it is longer than one", () => {
    const reply = encodeReply(1, "head", Buffer.alloc(65_532));
    expect(reply.readUInt16BE(4)).toBe(65_535);
    expect(reply.readUInt16BE(8 + 65_535 + 4)).toBe(1);
    expect(reply).toHaveLength(8 + 65_535 + 8 + 1 + 16);
  });
});

describe("bodies of a fixed layout", () => {
  it("are read as they are written", () => {
    expect(parseBeginRequest(encodeBeginRequest(1, 2, true).subarray(8))).toEqual({ role: 2, keepConn: true });
    expect(parseEndRequest(encodeEndRequest(1, 0xffff_ffff, 3).subarray(8))).toEqual({
      appStatus: 0xffff_ffff,
      protocolStatus: 3,
    });
    expect(parseUnknownType(encodeUnknownType(99).subarray(8))).toBe(99);
  });

  it.each([0, 7, 9])("are refused with %i bytes instead of 8", (length) => {
    const content = Buffer.alloc(length);
    for (const parse of [parseBeginRequest, parseEndRequest, parseUnknownType]) {
      expect(() => parse(content)).toThrow(expect.objectContaining({ code: "PROTOCOL" }));
    }
  });
});
