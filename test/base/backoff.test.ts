import { backoffMs } from "../../src/base/backoff.ts";

describe("back-off before a respawn", () => {
  it("retries at once after the first failure", () => {
    expect(backoffMs(0, 0.5)).toBe(0);
    expect(backoffMs(1, 0.99)).toBe(0);
  });

  it("doubles from a second to a minute, spread over the upper half", () => {
    expect([2, 3, 4, 5].map((n) => backoffMs(n, 0))).toEqual([500, 1000, 2000, 4000]);
    expect([2, 3, 4, 5].map((n) => backoffMs(n, 1))).toEqual([1000, 2000, 4000, 8000]);
    expect(backoffMs(1000, 1)).toBe(60_000);
  });
});
