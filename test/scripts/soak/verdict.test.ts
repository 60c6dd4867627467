// When a soak's promise is kept.

import { judgeCount, judgeDrift, judgeLatency, judgeSome } from "../../../scripts/soak/verdict.ts";

/** Flat, and then in its second half a straight line that rises by `share` of 100. */
const rising = (share: number) =>
  Array.from({ length: 201 }, (_, at) => ({ at, value: at < 100 ? 50 : 100 * (1 + (share * (at - 150)) / 100) }));
const steps = (first: number, last: number) =>
  Array.from({ length: 100 }, (_, at) => ({ at, value: at < 50 ? first : last }));

describe("a series", () => {
  it("may rise by less than 5 % in the second half; what came before does not count", () => {
    expect(judgeDrift({ title: "memory", points: rising(0.04) })).toMatchObject({ kept: true, figures: "+4.0 %" });
    expect(judgeDrift({ title: "memory", points: rising(0.06) })).toMatchObject({ kept: false, figures: "+6.0 %" });
  });

  it("may fall", () => {
    expect(judgeDrift({ title: "memory", points: rising(-0.3) })).toMatchObject({ kept: true, figures: "−30.0 %" });
  });

  it("that is too short says so, and breaks nothing", () => {
    const points = rising(1).slice(-6);
    expect(judgeDrift({ title: "memory", points })).toMatchObject({
      kept: true,
      drift: undefined,
      figures: "too short to say (3 points)",
    });
  });

  it("with something that is no number is not flat", () => {
    const points = rising(0).map((point) => (point.at === 180 ? { ...point, value: Number.NaN } : point));
    expect(judgeDrift({ title: "memory", points }).kept).toBe(false);
  });
});

describe("the 99th percentile", () => {
  const still = steps(2, 2);

  it("may be half as long again in the last quarter as in the first", () => {
    expect(judgeLatency("p99", steps(10, 15), still).kept).toBe(true);
    expect(judgeLatency("p99", steps(10, 16), still).kept).toBe(false);
  });

  it("may be longer as far as the machine became slower for everybody", () => {
    expect(judgeLatency("p99", steps(10, 29), steps(2, 4)).kept).toBe(true);
    expect(judgeLatency("p99", steps(10, 31), steps(2, 4)).kept).toBe(false);
  });

  it("is not excused by a machine that became faster", () => {
    expect(judgeLatency("p99", steps(10, 14), steps(4, 2)).kept).toBe(true);
    expect(judgeLatency("p99", steps(10, 16), steps(4, 2)).kept).toBe(false);
  });
});

describe("what is counted", () => {
  it("is none where nothing should have been, and some where something should", () => {
    expect(judgeCount("failures", 0)).toEqual({ title: "failures", kept: true, figures: "0" });
    expect(judgeCount("failures", 1).kept).toBe(false);
    expect(judgeSome("recycled", 3)).toEqual({ title: "recycled", kept: true, figures: "3" });
    expect(judgeSome("recycled", 0).kept).toBe(false);
  });
});
