import { CrashLoop } from "../../src/pool/crash-loop.ts";

const POLICY = { firstMs: 1000, maxMs: 60_000 };

/** Fails again and again, each time as soon as it may be tried; returns the pauses. */
function pauses(loop: CrashLoop, times: number): readonly number[] {
  let now = 0;
  return Array.from({ length: times }, () => {
    loop.failed({ startedAt: now, endedAt: now });
    const pause = loop.retryAt - now;
    now = loop.retryAt;
    return pause;
  });
}

describe("lives that end before they are of use", () => {
  it("are followed by none, then growing pauses, up to a longest one, without end", () => {
    expect(pauses(new CrashLoop(POLICY, () => 1), 10)).toEqual([
      0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  it("are spread over the upper half of each pause", () => {
    expect(pauses(new CrashLoop(POLICY, () => 0), 4)).toEqual([0, 500, 1000, 2000]);
  });

  it("are one failure if they were started together", () => {
    const loop = new CrashLoop(POLICY, () => 1);
    for (const endedAt of [10, 11, 12]) loop.failed({ startedAt: 0, endedAt });
    expect([loop.failures, loop.retryAt]).toEqual([1, 10]);
    loop.failed({ startedAt: 13, endedAt: 20 });
    expect(loop.failures).toBe(2);
  });

  it("are forgotten once somebody was of use", () => {
    const loop = new CrashLoop(POLICY, () => 1);
    pauses(loop, 5);
    loop.healed();
    expect(loop.failures).toBe(0);
    expect(pauses(loop, 1)).toEqual([0]);
  });

  it("are not in a row when they are far apart", () => {
    const loop = new CrashLoop(POLICY, () => 1);
    loop.failed({ startedAt: 0, endedAt: 1 });
    loop.failed({ startedAt: 1, endedAt: 120_002 });
    expect(loop.failures).toBe(1);
  });
});
