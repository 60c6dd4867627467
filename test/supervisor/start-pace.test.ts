import { longestStartMs, STARTS_AT_ONCE } from "../../src/supervisor/start-pace.ts";

const pool = (processes: number, bootTimeoutMs: number) => ({ processes, bootTimeoutMs });

describe("the longest that pools may take to boot", () => {
  it("is nothing without pools", () => {
    expect(longestStartMs([])).toBe(0);
  });

  it("is the longest boot_timeout while all boot at a time", () => {
    expect(longestStartMs([pool(1, 1000), pool(STARTS_AT_ONCE - 1, 3000)])).toBe(3000);
  });

  it("is that for each round in which as many boot as may", () => {
    expect(longestStartMs([pool(STARTS_AT_ONCE, 1000), pool(1, 3000)])).toBe(6000);
  });
});
