import { type Seen, seenReader, writeSeen } from "../../src/messages/watch.ts";

const call = (scriptId: string) => ({ functionName: "f", location: { scriptId, lineNumber: 3, columnNumber: 4 } });

function read(message: Buffer, pieces = 1): (Seen | undefined)[] {
  const got: (Seen | undefined)[] = [];
  const reader = seenReader((seen) => got.push(seen));
  const size = Math.ceil(message.length / pieces);
  for (let at = 0; at < message.length; at += size) reader.push(message.subarray(at, at + size));
  return got;
}

describe("what a worker process was seen in", () => {
  const seen: Seen = { calls: [call("1")], scripts: [["1", { url: "file:///a.ts", sourceMapURL: "a.map" }]] };

  it("arrives as it was sent, in pieces of any size, also where there was nothing to be seen", () => {
    const both = Buffer.concat([writeSeen(seen), writeSeen(undefined)]);
    for (const pieces of [1, 2, 7, both.length]) expect(read(both, pieces)).toEqual([seen, undefined]);
  });

  it("comes without source maps where it is too long, and not at all where it is too long even so", () => {
    const long = "x".repeat(9 * 1024 * 1024);
    const script = (url: string, sourceMapURL: string): Seen => ({ ...seen, scripts: [["1", { url, sourceMapURL }]] });
    expect(read(writeSeen(script("file:///a.ts", long)))).toEqual([
      { ...seen, scripts: [["1", { url: "file:///a.ts" }]] },
    ]);
    expect(read(writeSeen(script(long, "")))).toEqual([undefined]);
  });

  it("is refused as soon as it says that it is too long to be read", () => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(9 * 1024 * 1024, 0);
    expect(() => read(head)).toThrow("a message of");
  });

  it.each([
    {},
    { calls: [] },
    { calls: [{}], scripts: [] },
    { calls: [{ functionName: "f", location: { scriptId: 1, lineNumber: 0 } }], scripts: [] },
    { calls: [], scripts: [["1"]] },
    { calls: [], scripts: [["1", { url: 1 }]] },
    { calls: [], scripts: [{}] },
  ])("is refused where it is none: %j", (said) => {
    expect(() => read(writeSeen(said as unknown as Seen))).toThrow("calls that are none");
  });
});
