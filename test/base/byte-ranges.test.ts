import fc from "fast-check";
import { multipartRanges, parseRanges } from "../../src/base/byte-ranges.ts";

describe("a Range of bytes [RFC 9110 §14.1.2]", () => {
  it.each<[string, unknown]>([
    ["bytes=0-0", [{ first: 0, last: 0 }]],
    ["bytes=5-", [{ first: 5, last: 9 }]],
    ["bytes=5-99", [{ first: 5, last: 9 }]],
    ["Bytes= -3", [{ first: 7, last: 9 }]],
    ["bytes=-99", [{ first: 0, last: 9 }]],
    [
      "bytes=0-1, 8-,-1",
      [
        { first: 0, last: 1 },
        { first: 8, last: 9 },
        { first: 9, last: 9 },
      ],
    ],
    ["bytes=20-,1-2", [{ first: 1, last: 2 }]],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=10-,-0", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=4-2", undefined],
    ["bytes=-", undefined],
    ["bytes=", undefined],
    ["bytes=0-1,,2-3", undefined],
    ["bytes=a-b", undefined],
    ["lines=1-2", undefined],
    ["bytes=99999999999999999999-", undefined],
  ])("%s of ten bytes", (range, expected) => {
    expect(parseRanges(range, 10)).toEqual(expected);
  });

  it("is passed over where it would cost more than the whole [RFC 9110 §17.15]", () => {
    expect(parseRanges("bytes=0-,0-", 10)).toBeUndefined();
    expect(parseRanges(`bytes=${Array(32).fill("0-0").join(",")}`, 1000)).toHaveLength(32);
    expect(parseRanges(`bytes=${Array(33).fill("0-0").join(",")}`, 1000)).toBeUndefined();
    expect(parseRanges(`bytes=${"0-0,".repeat(100_000)}`, 1000)).toBeUndefined();
  });

  it("stays within what there is, whatever is asked for", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^bytes=[0-9,\- ]{0,40}$/), fc.integer({ min: 1, max: 50 }), (range, size) => {
        const ranges = parseRanges(range, size);
        if (ranges === undefined || ranges === "unsatisfiable") return;
        for (const { first, last } of ranges) expect(0 <= first && first <= last && last < size).toBe(true);
      }),
    );
  });
});

describe("several ranges in one reply [RFC 9110 §14.6]", () => {
  it("have a part each, and a length that is known before", () => {
    const ranges = [
      { first: 0, last: 1 },
      { first: 5, last: 9 },
    ];
    const { contentType, length, pieces } = multipartRanges(ranges, { size: 10, type: "text/plain", boundary: "B" });
    const content = "0123456789";
    const text = pieces
      .map((piece) => (typeof piece === "string" ? piece : content.slice(piece.first, piece.last + 1)))
      .join("");
    expect(contentType).toBe("multipart/byteranges; boundary=B");
    expect(text).toBe(
      "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01" +
        "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-9/10\r\n\r\n56789\r\n--B--\r\n",
    );
    expect(length).toBe(text.length);
  });
});
