import { encodeEndRequest, encodeGetValuesResult, encodeRecord, encodeUnknownType } from "../../src/fastcgi/encoder.ts";
import { ResponseDecoder } from "../../src/fastcgi/web-server.ts";

const record = (type: number, text: string) => encodeRecord(type, 3, Buffer.from(text));

describe("the web server's side [FCGI §4–§5]", () => {
  const sent = Buffer.concat([
    record(6, "out"),
    record(7, "err"),
    encodeGetValuesResult([["FCGI_MPXS_CONNS", "1"]]),
    encodeUnknownType(99),
    record(6, ""),
    record(7, ""),
    encodeEndRequest(3, 5, 1),
  ]);
  const expected = [
    { kind: "stdout", id: 3, bytes: Buffer.from("out") },
    { kind: "stderr", id: 3, bytes: Buffer.from("err") },
    { kind: "values", values: new Map([["FCGI_MPXS_CONNS", "1"]]) },
    { kind: "unknown-type", type: 99 },
    { kind: "end", id: 3, appStatus: 5, protocolStatus: 1 },
  ];

  it("reads everything that an application may send: whole, byte by byte, and before a tail", () => {
    expect(new ResponseDecoder().receive(sent)).toEqual(expected);
    const decoder = new ResponseDecoder();
    expect(Array.from(sent, (byte) => decoder.receive(Buffer.of(byte))).flat()).toEqual(expected);
    expect(new ResponseDecoder().receive(Buffer.concat([sent, Buffer.of(1, 6)]))).toEqual(expected);
  });

  it.each([1, 2, 4, 5, 8, 9, 12])("ends at a record of type %i, which no application sends", (type) => {
    const decoder = new ResponseDecoder();
    expect(decoder.receive(encodeRecord(type, 1, Buffer.alloc(8)))).toMatchObject([
      { kind: "fault", fault: { code: "PROTOCOL" } },
    ]);
    expect(decoder.receive(sent)).toEqual([]);
  });

  it("ends at a body of the wrong length and at values that are cut", () => {
    for (const broken of [encodeRecord(3, 1, Buffer.alloc(7)), encodeRecord(10, 0, Buffer.of(9))]) {
      expect(new ResponseDecoder().receive(broken)).toMatchObject([{ kind: "fault", fault: { code: "PROTOCOL" } }]);
    }
  });
});
