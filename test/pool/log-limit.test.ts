import { LINES_PER_WINDOW, LogLimit, WINDOW_MS } from "../../src/pool/log-limit.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("the limit of log lines", () => {
  it("admits 20 of a kind a second, and tells with the next one how many were left out", () => {
    const clock = new FakeClock();
    const limit = new LogLimit(clock);
    const admitted = Array.from({ length: LINES_PER_WINDOW + 5 }, () => limit.admit("LIMIT"));
    expect(admitted).toEqual([...Array(LINES_PER_WINDOW).fill(0), ...Array(5).fill(undefined)]);
    expect(limit.admit("OVERLOAD")).toBe(0);
    clock.advance(WINDOW_MS);
    expect([limit.admit("LIMIT"), limit.admit("LIMIT")]).toEqual([5, 0]);
  });
});
