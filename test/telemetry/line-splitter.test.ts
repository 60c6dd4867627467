import fc from "fast-check";
import { LineSplitter } from "../../src/telemetry/line-splitter.ts";

interface Line {
  readonly text: string;
  readonly part: number;
  readonly more: boolean;
}

function split(limitBytes: number, pieces: readonly (string | Uint8Array)[], end = true): Line[] {
  const lines: Line[] = [];
  const splitter = new LineSplitter(limitBytes, ({ bytes, part, more }) => {
    lines.push({ text: Buffer.from(bytes).toString("utf8"), part, more });
  });
  for (const piece of pieces) splitter.push(Buffer.from(piece));
  if (end && splitter.midLine) splitter.end();
  return lines;
}

const whole = (text: string): Line => ({ text, part: 0, more: false });

describe("what is printed becomes lines", () => {
  it("of any number in one piece, without their line breaks", () => {
    expect(split(100, ["one\ntwo\r\n\nfour\n"])).toEqual([whole("one"), whole("two"), whole(""), whole("four")]);
  });

  it("of any number of pieces, wherever they are cut", () => {
    expect(split(100, ["o", "ne", "\nt", "wo\n"])).toEqual([whole("one"), whole("two")]);
  });

  it("when its end comes without a line break", () => {
    expect(split(100, ["progress"], false)).toEqual([]);
    expect(split(100, ["progress"])).toEqual([whole("progress")]);
  });

  it("split at the limit rather than cut, each piece saying which it is", () => {
    expect(split(4, ["abcdefghij\nk\n"])).toEqual([
      { text: "abcd", part: 1, more: true },
      { text: "efgh", part: 2, more: true },
      { text: "ij", part: 3, more: false },
      whole("k"),
    ]);
    expect(split(4, ["abcd\n"])).toEqual([whole("abcd")]);
  });

  it("and no piece cuts a character in two", () => {
    expect(split(5, ["aé€😀b\n"]).map(({ text }) => text)).toEqual(["aé", "€", "😀b"]);
  });

  it("also of bytes that are no UTF-8", () => {
    expect(split(4, [Buffer.alloc(10, 0x80)]).map(({ text }) => text.length)).toEqual([4, 4, 2]);
  });

  it("and what it holds back is its own copy", () => {
    const memory = Buffer.from("secret");
    const lines: string[] = [];
    const splitter = new LineSplitter(100, ({ bytes }) => lines.push(Buffer.from(bytes).toString()));
    splitter.push(memory);
    memory.fill("x");
    splitter.end();
    expect(lines).toEqual(["secret"]);
  });

  it("so that joined again they are what was printed, and none is longer than the limit", () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "€", "😀", "\n"), maxLength: 40 }));
    fc.assert(
      fc.property(pieces, fc.integer({ min: 4, max: 20 }), (texts, limit) => {
        const lines = split(limit, texts);
        const joined = lines.map(({ text, more }) => (more ? text : `${text}\n`)).join("");
        const printed = texts.join("");
        expect(joined).toBe(printed === "" || printed.endsWith("\n") ? printed : `${printed}\n`);
        for (const { text } of lines) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300 },
    );
  });
});
