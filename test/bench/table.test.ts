// What the bench prints.

import { aligned, whole } from "../../bench/table.ts";

describe("a table", () => {
  it("has its words on the left, its numbers on the right, and nothing behind them", () => {
    const lines = [
      ["", "way", "req/s"],
      ["a", "direct", "1,000"],
      ["longer", "b", "7"],
      ["none", "", ""],
    ];
    expect(aligned(lines, 2)).toEqual([
      "        way     req/s",
      "a       direct  1,000",
      "longer  b           7",
      "none",
    ]);
  });

  it("has thousands in groups, and no fractions", () => {
    expect([whole(1234.6), whole(0.4)]).toEqual(["1,235", "0"]);
  });
});
