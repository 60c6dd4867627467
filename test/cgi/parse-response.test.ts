import { CgiResponseParser } from "../../src/cgi/parse-response.ts";

const MALFORMED = expect.objectContaining({ code: "PROTOCOL", status: 502 });
const parse = (text: string, limitBytes?: number) =>
  new CgiResponseParser(limitBytes).push(Buffer.from(text, "latin1"));

const CASES: readonly [title: string, text: string, status: number, headers: [string, string][], rest: string][] = [
  ["CRLF", "Content-Type: a/b\r\n\r\nbody", 200, [["Content-Type", "a/b"]], "body"],
  ["LF alone", "Content-Type: a/b\n\nbody", 200, [["Content-Type", "a/b"]], "body"],
  [
    "both in one block",
    "A: 1\nB: 2\r\n\r\nbody",
    200,
    [
      ["A", "1"],
      ["B", "2"],
    ],
    "body",
  ],
  ["Status with a reason", "Status: 404 Not Found\r\nA: 1\r\n\r\n", 404, [["A", "1"]], ""],
  ["Status alone", "status:503\r\n\r\n", 503, [], ""],
  ["Location without Status", "Location: /x\r\n\r\n", 302, [["Location", "/x"]], ""],
  ["Location with Status", "Status: 201 Created\r\nlocation: /x\r\n\r\n", 201, [["location", "/x"]], ""],
  [
    "several of one name",
    "Set-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
    200,
    [
      ["Set-Cookie", "a"],
      ["Set-Cookie", "b"],
    ],
    "",
  ],
  ["white space around a value", "A: \t 1 2 \t\r\n\r\n", 200, [["A", "1 2"]], ""],
  ["an empty value", "A:\r\n\r\n", 200, [["A", ""]], ""],
  ["colons in a value", "A: b:c: d\r\n\r\n", 200, [["A", "b:c: d"]], ""],
  ["latin1", "A: \u00e9\r\n\r\n", 200, [["A", "\u00e9"]], ""],
  ["empty lines in the body", "A: 1\r\n\r\n\r\n\r\nx", 200, [["A", "1"]], "\r\n\r\nx"],
];

describe("a CGI response [RFC 3875 §6]", () => {
  it.each(CASES)("is read with %s: whole and byte by byte", (_title, text, status, headers, rest) => {
    const whole = parse(text);
    expect({ ...whole, rest: whole?.rest.toString() }).toEqual({ status, headers, rest });

    const parser = new CgiResponseParser();
    const head = text.slice(0, text.length - rest.length);
    const results = Array.from(Buffer.from(head, "latin1"), (byte) => parser.push(Buffer.of(byte)));
    expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
    expect(results.at(-1)).toEqual({ status, headers, rest: Buffer.alloc(0) });
  });

  it("is not there before its empty line", () => {
    for (const text of ["", "A: 1", "A: 1\r\n", "A: 1\r\n\r"]) expect(parse(text)).toBeUndefined();
  });

  it.each([
    "no colon\r\n\r\n",
    ": x\r\n\r\n",
    "A B: x\r\n\r\n",
    "A: 1\r\n folded\r\n\r\n",
    "Status: OK\r\n\r\n",
    "Status: 99\r\n\r\n",
    "Status: 2000\r\n\r\n",
    "A: b\rc\r\n\r\n",
    "\r\n\r\n",
  ])("that is %j is malformed", (text) => {
    expect(() => parse(text)).toThrow(MALFORMED);
  });

  it("has a bounded head", () => {
    expect(parse(`A: ${"v".repeat(93)}\r\n\r\nlong body`, 100)?.rest.toString()).toBe("long body");
    expect(() => parse(`A: ${"v".repeat(94)}\r\n\r\n`, 100)).toThrow(MALFORMED);
    expect(() => parse("v".repeat(101), 100)).toThrow(MALFORMED);
  });
});
