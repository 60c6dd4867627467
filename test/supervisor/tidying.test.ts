// What a supervisor that runs for months does about its own memory.

import { GROWN_BYTES, keepTidy, TIDY_EVERY_MS } from "../../src/supervisor/tidying.ts";
import { FakeClock } from "../support/fake-clock.ts";

const TIDY_BYTES = 80 * 1024 * 1024;

describe("a supervisor's memory", () => {
  let clock: FakeClock;
  let bytes: number;
  let collected: number;
  let end: () => void;

  beforeEach(() => {
    clock = new FakeClock();
    bytes = TIDY_BYTES + GROWN_BYTES;
    collected = 0;
    end = keepTidy({
      clock,
      residentBytes: () => bytes,
      collect: () => {
        collected++;
        bytes = TIDY_BYTES;
      },
    });
  });

  it("is given back some time after the start, and then whenever it has grown", () => {
    clock.advance(TIDY_EVERY_MS - 1);
    expect(collected).toBe(0);
    clock.advance(1);
    expect(collected).toBe(1);
    bytes += GROWN_BYTES + 1;
    clock.advance(TIDY_EVERY_MS);
    expect(collected).toBe(2);
  });

  it("is left alone while it does not grow", () => {
    clock.advance(TIDY_EVERY_MS);
    bytes += GROWN_BYTES;
    clock.advance(TIDY_EVERY_MS);
    expect(collected).toBe(1);
  });

  it("is not looked at after the end", () => {
    end();
    clock.advance(2 * TIDY_EVERY_MS);
    expect(collected).toBe(0);
  });
});
