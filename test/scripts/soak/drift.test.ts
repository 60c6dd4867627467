// The tendency of a series.

import { drift, quarters, secondHalf } from "../../../scripts/soak/drift.ts";

const series = (values: readonly number[], every = 1) => values.map((value, index) => ({ at: index * every, value }));

describe("a drift", () => {
  it("is what a straight line rises from its first to its last point, as a share of the median", () => {
    expect(drift(series([90, 95, 100, 105, 110]))).toBeCloseTo(0.2);
    expect(drift(series([110, 105, 100, 95, 90]))).toBeCloseTo(-0.2);
  });

  it("does not depend on how far apart the points are", () => {
    expect(drift(series([90, 95, 100, 105, 110], 15))).toBeCloseTo(0.2);
  });

  it("is none where values go up and down, and none where nothing is counted", () => {
    expect(drift(series([100, 120, 100, 120, 100]))).toBeCloseTo(0);
    expect(drift(series([0, 0, 0, 0]))).toBe(0);
  });

  it("is nearly what it was when one value stands out", () => {
    const calm = series(Array.from({ length: 120 }, () => 100));
    const peak = calm.map((point, index) => (index === 80 ? { ...point, value: 150 } : point));
    expect(Math.abs(drift(peak) ?? Number.NaN)).toBeLessThan(0.01);
  });

  it("is not known of fewer than four points", () => {
    expect(drift(series([1, 2, 3]))).toBeUndefined();
    expect(drift([])).toBeUndefined();
  });
});

describe("a series", () => {
  it("has a second half by time, not by number", () => {
    const points = [0, 1, 2, 3, 60, 90, 100].map((at) => ({ at, value: at }));
    expect(secondHalf(points).map(({ at }) => at)).toEqual([60, 90, 100]);
  });

  it("has a first and a last quarter, of which the medians count", () => {
    expect(quarters(series([1, 3, 2, 50, 50, 50, 7, 9, 8]))).toEqual({ first: 2, last: 8 });
  });
});
