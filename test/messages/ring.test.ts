// One direction of a lane in shared memory: order, bounds, and who wakes whom.

import fc from "fast-check";
import { readBatch } from "../../src/messages/batch.ts";
import { CHUNK_BYTES, FROM_WORKER, TO_WORKER } from "../../src/messages/lane.ts";
import { RingReader, RingWriter, ringMemory } from "../../src/messages/ring.ts";
import { giveBack, isLent } from "../../src/messages/spare-buffers.ts";

const RING = 1024;

function open(bytes = RING) {
  const memory = ringMemory(bytes);
  const posted: Buffer[] = [];
  const frames: string[] = [];
  const writer = new RingWriter(memory, (batch) => posted.push(Buffer.from(batch)));
  const reader = new RingReader(
    memory,
    (batch) =>
      readBatch(batch, (_kind, slot, start, end) => frames.push(`${slot}:${batch.toString("utf8", start, end)}`)),
    () => posted.shift(),
  );
  const write = (slot: number, text: string) => writer.bytes(1, slot, Buffer.from(text));
  return { writer, reader, posted, frames, write };
}

describe("a ring", () => {
  it("brings frames in order", () => {
    const { writer, reader, frames, write } = open();
    write(1, "a");
    write(2, "");
    writer.word(3, 3, 0x41414141);
    writer.flush();
    reader.take();
    expect(frames).toEqual(["1:a", "2:", "3:AAAA"]);
    expect(reader.filled).toBe(false);
  });

  it("gives only frames that are whole", () => {
    const { writer, reader, frames, write } = open();
    write(1, "whole");
    writer.publish();
    const at = writer.open(1, 2, 4);
    reader.take();
    expect(frames).toEqual(["1:whole"]);
    writer.buffer.write("half", at);
    expect(reader.filled).toBe(false);
    writer.publish();
    reader.take();
    expect(frames).toEqual(["1:whole", "2:half"]);
  });

  it("tells whether a frame finds room; what is too long for any ring need not wait", () => {
    const { writer, reader, write } = open();
    expect([writer.hasRoom(400), writer.hasRoom(600)]).toEqual([true, true]);
    write(1, "x".repeat(400));
    write(2, "x".repeat(400));
    writer.flush();
    expect([writer.hasRoom(400), writer.hasRoom(100), writer.hasRoom(600)]).toEqual([false, true, true]);
    reader.take();
    expect(writer.hasRoom(400)).toBe(true);
  });

  it("goes round for ever", () => {
    const { writer, reader, frames, write } = open();
    for (let n = 0; n < 1000; n++) {
      write(n, "x".repeat(n % 200));
      writer.flush();
      reader.take();
    }
    expect(frames).toEqual(Array.from({ length: 1000 }, (_, n) => `${n}:${"x".repeat(n % 200)}`));
  });

  it("posts what it has no room for, in its place, whatever is written and taken when", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ text: fc.string({ maxLength: 2 * RING }) }) },
      { weight: 2, arbitrary: fc.constant("flush" as const) },
      { weight: 2, arbitrary: fc.constant("take" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { writer, reader, frames, write } = open();
        const expected: string[] = [];
        for (const each of steps) {
          if (each === "flush") writer.flush();
          else if (each === "take") reader.take();
          else {
            write(expected.length, each.text);
            expected.push(`${expected.length}:${each.text}`);
          }
        }
        for (let n = 0; n < 3; n++) {
          writer.flush();
          reader.take();
        }
        expect(frames).toEqual(expected);
        expect(writer.holding).toBe(false);
      }),
    );
  });

  it("goes on with the last frame of a body, until the reader may have seen it", () => {
    const { writer, reader, frames } = open();
    const append = (slot: number, text: string) => writer.append(1, slot, Buffer.from(text));
    append(1, "ab");
    append(1, "cd");
    append(2, "ef");
    append(1, "gh");
    writer.publish();
    append(1, "ij");
    append(1, "kl");
    writer.flush();
    reader.take();
    expect(frames).toEqual(["1:abcd", "2:ef", "1:gh", "1:ijkl"]);
  });

  it("loses and moves no byte of bodies that are appended, whatever is flushed and taken when", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ slot: fc.nat(1), text: fc.string({ minLength: 1, maxLength: RING / 2 }) }) },
      { weight: 1, arbitrary: fc.constant("publish" as const) },
      { weight: 1, arbitrary: fc.constant("flush" as const) },
      { weight: 1, arbitrary: fc.constant("take" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { writer, reader, frames } = open();
        const expected: string[] = [];
        for (const each of steps) {
          if (each === "take") reader.take();
          else if (typeof each === "string") writer[each]();
          else {
            // What is between two slots' pieces keeps its place, too.
            writer.append(1, each.slot, Buffer.from(each.text));
            const runs = `${each.slot}:${each.text}`;
            if (expected.at(-1)?.startsWith(`${each.slot}:`)) expected[expected.length - 1] += each.text;
            else expected.push(runs);
          }
        }
        for (let n = 0; n < 3; n++) {
          writer.flush();
          reader.take();
        }
        const runs: string[] = [];
        for (const frame of frames) {
          if (runs.at(-1)?.startsWith(frame.slice(0, 2))) runs[runs.length - 1] += frame.slice(2);
          else runs.push(frame);
        }
        expect(runs).toEqual(expected);
      }),
    );
  });

  it("brings large frames of bodies in order with what is around them, in memory that is used again", () => {
    const memory = ringMemory(256 * 1024);
    const frames: [kind: number, slot: number, payload: Buffer][] = [];
    const memories = new Set<unknown>();
    const writer = new RingWriter(memory, () => {});
    const reader = new RingReader(
      memory,
      (batch) => {
        readBatch(batch, (kind, slot, start, end) =>
          frames.push([kind, slot, Buffer.from(batch.subarray(start, end))]),
        );
        if (isLent(batch)) memories.add(batch.buffer);
        giveBack(batch);
      },
      () => undefined,
    );
    for (let n = 0; n < 20; n++) {
      const chunk = Buffer.alloc(CHUNK_BYTES - n, n);
      writer.word(FROM_WORKER.TAKEN, 1, n);
      writer.bytes(FROM_WORKER.CHUNK, 2, chunk);
      writer.word(FROM_WORKER.TAKEN, 3, n);
      writer.flush();
      reader.take();
      expect(frames.splice(0).map(([kind, slot, payload]) => [kind, slot, payload.length])).toEqual([
        [FROM_WORKER.TAKEN, 1, 4],
        [FROM_WORKER.CHUNK, 2, chunk.length],
        [FROM_WORKER.TAKEN, 3, 4],
      ]);
    }
    expect(memories.size).toBe(1);
  });

  it("lends no memory for a frame of which a part is looked at for long", () => {
    const memory = ringMemory(128 * 1024);
    const lent: boolean[] = [];
    const writer = new RingWriter(memory, () => {});
    const reader = new RingReader(
      memory,
      (batch) => lent.push(isLent(batch)),
      () => undefined,
    );
    writer.bytes(TO_WORKER.BEGIN, 1, Buffer.alloc(60_000));
    writer.flush();
    reader.take();
    expect(lent).toEqual([false]);
  });

  it("holds back what it cannot even announce, until the reader has made room", () => {
    const { writer, reader, frames, posted, write } = open(64);
    write(1, "x".repeat(30));
    write(2, "y".repeat(100)); // has no room
    writer.flush();
    write(3, "z".repeat(100));
    writer.flush();
    expect([posted.length, writer.holding]).toEqual([1, true]);
    reader.take();
    writer.flush();
    reader.take();
    expect(frames).toEqual([`1:${"x".repeat(30)}`, `2:${"y".repeat(100)}`, `3:${"z".repeat(100)}`]);
  });

  it("wakes a reader that rests, once, and lets one alone that is awake", () => {
    const { writer, reader, write } = open();
    write(1, "a");
    expect(writer.flush()).toBe(true);
    write(1, "b");
    expect(writer.flush()).toBe(false);
    reader.take();
    expect(reader.rest()).toBe(true);
    write(1, "c");
    expect(writer.flush()).toBe(true);
  });

  it("lets a reader not rest while something is there", () => {
    const { writer, reader, write } = open();
    write(1, "a");
    writer.flush();
    reader.take();
    write(1, "b");
    expect(writer.flush()).toBe(false);
    expect(reader.rest()).toBe(false);
    reader.take();
    expect(reader.rest()).toBe(true);
  });

  it("wakes nobody for what has been taken already", () => {
    const { writer, reader, write } = open();
    reader.rest();
    write(1, "a");
    writer.publish();
    reader.take();
    expect(writer.flush()).toBe(false);
  });

  it("loses no wake-up, at whatever steps the other side comes in between", () => {
    const ring = (steps: readonly number[], rests: boolean, readerFirst: boolean): void => {
      const { writer, reader, frames, write } = open();
      let rung = 0;
      let written = 0;
      const sides = [
        () => {
          write(written++, "x");
          if (writer.flush()) rung++;
        },
        () => {
          rung = 0; // it hears all rings at once
          do reader.take();
          while (!reader.rest());
        },
      ];
      if (rests) reader.rest();
      else sides[0]?.();
      atSteps(steps, readerFirst ? sides.toReversed() : sides);
      while (rung > 0) sides[1]?.();
      expect([steps, frames.length]).toEqual([steps, written]);
    };
    for (let first = 0; first < 16; first++) {
      for (let second = first; second < 32; second++) {
        for (const rests of [true, false]) for (const reads of [true, false]) ring([first, second], rests, reads);
      }
    }
  });
});

const STEPS = ["load", "store", "compareExchange", "add"] as const;

/** Runs the first side, and all of the second before each of the given steps of it in shared memory. */
function atSteps(steps: readonly number[], [first, second]: readonly (() => void)[]): void {
  const own = Object.fromEntries(STEPS.map((name) => [name, Atomics[name]]));
  let step = 0;
  let isBetween = false;
  for (const name of STEPS) {
    const stepped = (...args: unknown[]): unknown => {
      if (!isBetween && steps.includes(step++)) {
        isBetween = true;
        second?.();
        isBetween = false;
      }
      return Reflect.apply(own[name] as () => unknown, Atomics, args);
    };
    Object.assign(Atomics, { [name]: stepped });
  }
  try {
    first?.();
  } finally {
    Object.assign(Atomics, own);
  }
}
