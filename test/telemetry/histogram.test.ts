import fc from "fast-check";
import { Histogram } from "../../src/telemetry/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** What one value is taken for. */
const seenAs = (ms: number): number => histogramOf([ms, 1e9]).quantile(0.5);

describe("a histogram of durations", () => {
  it("is right to two significant digits from a microsecond to an hour", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 3_600_000, noNaN: true }), (ms) => {
        const seen = seenAs(ms);
        // The microsecond is the unit; beyond 128 of them a bucket is 1/64 wide.
        expect(seen).toBeGreaterThanOrEqual(Math.floor(ms * 1000) / 1000);
        expect(seen - ms).toBeLessThanOrEqual(Math.max(0.001, ms / 64) + 1e-6);
      }),
    );
  });

  it("gives quantiles by rank", () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(histogram.quantile(0.5)).toBeCloseTo(50, -0.5);
    expect(histogram.quantile(0.99)).toBeCloseTo(99, -0.5);
    expect(histogram.quantiles()).toMatchObject({ count: 100, maxMs: 100 });
    expect(histogram.sumMs).toBe(5050);
  });

  it("never says more than the longest, and nothing of nothing", () => {
    expect(histogramOf([7.77]).quantile(0.99)).toBe(7.77);
    expect(new Histogram().quantiles()).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
  });

  it("takes a duration that is longer than all buckets, and one that is negative, without loss", () => {
    const histogram = histogramOf([1e12, -5, 0]);
    expect(histogram.count).toBe(3);
    expect(histogram.cumulative([1])).toEqual([2]);
  });

  it("counts at bounds: those that are shorter, for certain; all of them in the end", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), { maxLength: 50 }), (values) => {
        const bounds = [0.5, 1, 2.5, 10, 100, 1000, 1e9];
        const counts = histogramOf(values).cumulative(bounds);
        for (const [at, bound] of bounds.entries()) {
          const surely = values.filter((value) => value <= (bound - 0.001) * (1 - 1 / 64)).length;
          const atMost = values.filter((value) => value <= bound).length;
          expect(counts[at]).toBeGreaterThanOrEqual(surely);
          expect(counts[at]).toBeLessThanOrEqual(atMost);
        }
        expect(counts.at(-1)).toBe(values.length);
      }),
    );
  });

  it("adds up, and is cleared", () => {
    const sum = histogramOf([1, 2]);
    sum.add(histogramOf([300]));
    expect(sum.quantiles()).toMatchObject({ count: 3, maxMs: 300 });
    sum.clear();
    expect(sum.quantiles()).toMatchObject({ count: 0, maxMs: 0 });
    expect(sum.cumulative([1e9])).toEqual([0]);
  });
});
