import { jest } from "@jest/globals";
import { systemClock } from "../../src/base/clock.ts";

describe("the system's clock", () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([20, DAY_MS, 60 * DAY_MS])("calls after %d ms, and not before", (ms) => {
    const called = jest.fn();
    systemClock.at(systemClock.now() + ms, called);
    jest.advanceTimersByTime(ms - 1);
    expect(called).not.toHaveBeenCalled();
    jest.advanceTimersByTime(2);
    expect(called).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each([0, 30 * DAY_MS])("does not call what is cancelled %d ms later", (ms) => {
    const called = jest.fn();
    const cancel = systemClock.at(systemClock.now() + 60 * DAY_MS, called);
    jest.advanceTimersByTime(ms);
    cancel();
    jest.advanceTimersByTime(90 * DAY_MS);
    expect(called).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("never comes to Infinity, and nothing waits for it", () => {
    systemClock.at(Number.POSITIVE_INFINITY, () => {})();
    expect(jest.getTimerCount()).toBe(0);
  });
});
