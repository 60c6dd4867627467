import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { makeOutputMemory, OUTPUT_KIND, OutputReader, OutputWriter } from "../../src/messages/output-ring.ts";

const CAPACITY = 1024;

function ring(capacity = CAPACITY) {
  const memory = makeOutputMemory(capacity);
  const writer = new OutputWriter(memory);
  const reader = new OutputReader(memory);
  const write = (text: string, context = ""): boolean =>
    writer.write({
      kind: OUTPUT_KIND.STDOUT,
      part: 0,
      more: false,
      context: Buffer.from(context),
      text: Buffer.from(text),
    });
  const readAll = (): string[] => {
    const texts: string[] = [];
    for (let record = reader.read(); record !== undefined; record = reader.read()) {
      texts.push(Buffer.from(record.text).toString());
    }
    return texts;
  };
  return { memory, writer, reader, write, readAll };
}

describe("the ring of a worker's output", () => {
  it("hands on records as they were written, in order", () => {
    const { writer, reader } = ring();
    const record = { kind: OUTPUT_KIND.LOG, part: 3, more: true, context: Buffer.from("{}"), text: Buffer.from("né") };
    writer.write(record);
    expect(reader.read()).toEqual(record);
    expect(reader.read()).toBeUndefined();
  });

  it("goes on beyond its end, with records of any length", () => {
    const texts = fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 200 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 5 }), (all, every) => {
        const { write, readAll } = ring();
        const written: string[] = [];
        const read: string[] = [];
        for (const [index, text] of all.entries()) {
          if (write(text)) written.push(Buffer.from(text).toString());
          if (index % every === 0) read.push(...readAll());
        }
        read.push(...readAll());
        expect(read).toEqual(written);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves out what finds no room, and counts it", () => {
    const { reader, write, readAll } = ring();
    const results = Array.from({ length: 20 }, () => write("x".repeat(188)));
    expect(results.filter((taken) => taken)).toHaveLength(5);
    expect(readAll()).toHaveLength(5);
    expect(reader.dropped()).toEqual({ records: 15, kib: 2 });
    expect(reader.dropped()).toEqual({ records: 0, kib: 0 });
    expect(write("room again")).toBe(true);
  });

  it("wakes a reader that waits, also from a thread that never turns again", async () => {
    const { memory, reader, readAll } = ring();
    const spinning = new Worker(
      `const { workerData } = require("node:worker_threads");
       import(workerData.url).then(({ OutputWriter }) => {
         const none = new Uint8Array(0);
         const text = Buffer.from("last words");
         new OutputWriter(workerData.memory).write({ kind: 1, part: 0, more: false, context: none, text });
         for (;;) {}
       });`,
      { eval: true, workerData: { memory, url: new URL("../../src/messages/output-ring.js", import.meta.url).href } },
    );
    try {
      await reader.awaited();
      expect(readAll()).toEqual(["last words"]);
    } finally {
      await spinning.terminate();
    }
  });

  it("does not wait when something is there already, nor after `wake`", async () => {
    const { reader, write, readAll } = ring();
    write("early");
    await reader.awaited();
    expect(readAll()).toEqual(["early"]);
    const waiting = reader.awaited();
    reader.wake();
    await waiting;
  });
});
