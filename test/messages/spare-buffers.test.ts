// Memory of large frames that is used again: never by two at a time.

import { CHUNK_BYTES } from "../../src/messages/lane.ts";
import { giveBack, isLent, lend } from "../../src/messages/spare-buffers.ts";

describe("memory for large frames", () => {
  it("is used again once it was given back, by any part of it", () => {
    const first = lend(CHUNK_BYTES);
    expect(first).toHaveLength(CHUNK_BYTES);
    giveBack(first.subarray(12, 100));
    const second = lend(40_000);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(40_000);
    giveBack(second);
  });

  it("is with one at a time, also when it is given back twice", () => {
    const lost = lend(CHUNK_BYTES);
    giveBack(lost);
    giveBack(lost);
    const memories = new Set(Array.from({ length: 20 }, () => lend(CHUNK_BYTES).buffer));
    expect(memories.size).toBe(20);
  });

  it("is kept for some dozen bodies only", () => {
    const many = Array.from({ length: 80 }, () => lend(CHUNK_BYTES));
    const known = new Set(many.map(({ buffer }) => buffer));
    for (const each of many) giveBack(each);
    const again = Array.from({ length: 80 }, () => lend(CHUNK_BYTES).buffer);
    expect(again.filter((each) => known.has(each))).toHaveLength(64);
  });

  it("leaves alone what was not lent, and lends nothing longer than a piece", () => {
    const own = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    giveBack(own);
    const long = lend(1_000_000);
    expect([isLent(own), isLent(long), long.length]).toEqual([false, false, 1_000_000]);
    giveBack(long);
    expect(lend(CHUNK_BYTES).buffer).not.toBe(own.buffer);
  });
});
